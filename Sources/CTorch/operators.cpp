#include <ATen/core/dispatch/Dispatcher.h>

#include "support.h"

using namespace ctorch;

namespace {

c10::IValue value(
    const CTValue &argument, const c10::Argument &formal, const int64_t *integers,
    void *const *objects) {
    switch (argument.tag) {
        case CTTagDefault:
            TORCH_CHECK(
                formal.default_value().has_value(), "argument '", formal.name(),
                "' has no default value");
            return *formal.default_value();
        case CTTagNone:
            return c10::IValue();
        case CTTagTensor:
            return tensor(static_cast<CTTensor>(objects[argument.offset]));
        case CTTagInteger:
            return argument.integer;
        case CTTagReal:
            return argument.real;
        case CTTagBoolean:
            return argument.integer != 0;
        case CTTagIntegers:
            return std::vector<int64_t>(
                integers + argument.offset, integers + argument.offset + argument.integer);
        case CTTagTensors: {
            c10::List<at::Tensor> list;
            list.reserve(argument.integer);
            for (int64_t i = 0; i < argument.integer; ++i) {
                list.push_back(tensor(static_cast<CTTensor>(objects[argument.offset + i])));
            }
            return list;
        }
        case CTTagGenerator:
            return generator(static_cast<CTGenerator>(objects[argument.offset]));
        case CTTagDevice:
            return device(argument.integer);
        case CTTagString:
            return std::string(static_cast<const char *>(objects[argument.offset]));
    }
    TORCH_CHECK(false, "unknown argument tag ", static_cast<int>(argument.tag));
}

}  // namespace

CTOperator ct_operator_find(const char *name, const char *overload, char **error) {
    return guarded<CTOperator>(error, nullptr, [&] {
        auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
        TORCH_CHECK(handle.has_value(), "libtorch has no operator '", name, ".", overload, "'");
        return reinterpret_cast<CTOperator>(new c10::OperatorHandle(*handle));
    });
}

int64_t ct_operator_call(
    CTOperator op, const CTValue *arguments, int64_t count, const int64_t *integers,
    void *const *objects, CTTensor *results, int64_t capacity, char **error) {
    return guarded<int64_t>(error, -1, [&] {
        const auto &handle = *reinterpret_cast<c10::OperatorHandle *>(op);
        const auto &formals = handle.schema().arguments();
        TORCH_CHECK(
            count <= static_cast<int64_t>(formals.size()), handle.schema().name(), " takes ",
            formals.size(), " arguments, not ", count);
        torch::jit::Stack stack;
        stack.reserve(formals.size());
        static const CTValue absent{CTTagDefault, 0, 0, 0};
        for (size_t i = 0; i < formals.size(); ++i) {
            const auto &argument = static_cast<int64_t>(i) < count ? arguments[i] : absent;
            stack.push_back(value(argument, formals[i], integers, objects));
        }
        handle.callBoxed(&stack);

        int64_t filled = 0;
        auto put = [&](const at::Tensor &result) {
            TORCH_CHECK(filled < capacity, handle.schema().name(), " returned too many tensors");
            results[filled++] = give(result);
        };
        for (const auto &result : stack) {
            if (result.isTensor()) {
                put(result.toTensor());
            } else if (result.isTensorList()) {
                for (const at::Tensor &item : result.toTensorList()) put(item);
            }
        }
        return filled;
    });
}
