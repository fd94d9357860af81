// What the .cpp files of this shim share: handles, and turning exceptions into messages.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "ctorch.h"

namespace ctorch {

inline at::Tensor &tensor(CTTensor handle) { return *reinterpret_cast<at::Tensor *>(handle); }

inline CTTensor give(at::Tensor value) {
    return reinterpret_cast<CTTensor>(new at::Tensor(std::move(value)));
}

inline at::Generator &generator(CTGenerator handle) {
    return *reinterpret_cast<at::Generator *>(handle);
}

inline c10::Device device(int64_t code) {
    return c10::Device(
        static_cast<c10::DeviceType>(code / 256), static_cast<c10::DeviceIndex>(code % 256 - 1));
}

inline int64_t code(const c10::Device &device) {
    return static_cast<int64_t>(device.type()) * 256 + device.index() + 1;
}

inline std::vector<at::Tensor> tensors(const CTTensor *handles, int64_t count) {
    std::vector<at::Tensor> list;
    list.reserve(count);
    for (int64_t i = 0; i < count; ++i) {
        list.push_back(handles[i] ? tensor(handles[i]) : at::Tensor());
    }
    return list;
}

// Runs `body`; on an exception stores its message and returns `failure`.
template <class Result, class Body>
Result guarded(char **error, Result failure, Body body) noexcept {
    try {
        return body();
    } catch (const c10::Error &e) {
        *error = strdup(e.what_without_backtrace());
    } catch (const std::exception &e) {
        *error = strdup(e.what());
    } catch (...) {
        *error = strdup("unknown C++ exception");
    }
    return failure;
}

}  // namespace ctorch
