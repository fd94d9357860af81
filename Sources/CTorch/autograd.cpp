#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

#include "support.h"

using namespace ctorch;
using torch::autograd::Variable;
using torch::autograd::variable_list;

bool ct_tensor_requires_grad(CTTensor handle) { return tensor(handle).requires_grad(); }

int ct_tensor_set_requires_grad(CTTensor handle, bool wanted, char **error) {
    return guarded<int>(error, -1, [&] {
        tensor(handle).set_requires_grad(wanted);
        return 0;
    });
}

CTTensor ct_tensor_grad(CTTensor handle, char **error) {
    return guarded<CTTensor>(error, nullptr, [&]() -> CTTensor {
        const auto &gradient = tensor(handle).grad();
        return gradient.defined() ? give(gradient) : nullptr;
    });
}

int ct_tensor_set_grad(CTTensor handle, CTTensor gradient, char **error) {
    return guarded<int>(error, -1, [&] {
        tensor(handle).mutable_grad() = gradient ? tensor(gradient) : at::Tensor();
        return 0;
    });
}

int ct_backward(
    const CTTensor *outputs, const CTTensor *gradients, int64_t count, bool keepGraph,
    char **error) {
    return guarded<int>(error, -1, [&] {
        torch::autograd::backward(
            tensors(outputs, count), tensors(gradients, gradients ? count : 0), keepGraph);
        return 0;
    });
}

int ct_gradients(
    const CTTensor *outputs, int64_t outputCount, const CTTensor *inputs, int64_t inputCount,
    bool keepGraph, CTTensor *results, char **error) {
    return guarded<int>(error, -1, [&] {
        auto found = torch::autograd::grad(
            tensors(outputs, outputCount), tensors(inputs, inputCount), {}, keepGraph,
            /*create_graph=*/false, /*allow_unused=*/true);
        for (int64_t i = 0; i < inputCount; ++i) {
            results[i] = found[i].defined() ? give(found[i]) : nullptr;
        }
        return 0;
    });
}

bool ct_grad_mode(void) { return at::GradMode::is_enabled(); }
void ct_set_grad_mode(bool enabled) { at::GradMode::set_enabled(enabled); }
void *ct_inference_mode_enter(void) { return new c10::InferenceMode(true); }
void ct_inference_mode_leave(void *guard) { delete static_cast<c10::InferenceMode *>(guard); }

namespace {

// The caller's closure, released with its last user.
struct Body {
    void *context;
    CTCheckpointBody call;
    void (*release)(void *);

    Body(void *context, CTCheckpointBody call, void (*release)(void *))
        : context(context), call(call), release(release) {}
    Body(const Body &) = delete;
    ~Body() { release(context); }

    at::Tensor run(const variable_list &inputs) const {
        std::vector<CTTensor> handles;
        handles.reserve(inputs.size());
        for (const auto &input : inputs) handles.push_back(give(input));
        char *message = nullptr;
        CTTensor result = call(context, handles.data(), static_cast<int64_t>(handles.size()), &message);
        for (auto handle : handles) ct_tensor_free(handle);
        if (!result) {
            std::string text = message ? message : "checkpointed block failed";
            free(message);
            TORCH_CHECK(false, text);
        }
        at::Tensor output = std::move(tensor(result));
        ct_tensor_free(result);
        return output;
    }
};

// Recomputes the block when its gradient is asked for. Parameters that the block uses receive
// their gradients by the inner backward; its inputs' gradients are returned.
struct CheckpointNode : public torch::autograd::Node {
    std::shared_ptr<Body> body;
    std::vector<torch::autograd::SavedVariable> saved;

    variable_list apply(variable_list &&gradients) override {
        variable_list inputs;
        for (auto &variable : saved) {
            auto original = variable.unpack();
            auto detached = original.detach();
            detached.set_requires_grad(original.requires_grad());
            inputs.push_back(std::move(detached));
        }
        at::Tensor output;
        {
            at::AutoGradMode recording(true);
            output = body->run(inputs);
        }
        torch::autograd::backward({output}, {gradients.at(0)});
        variable_list result;
        for (auto &input : inputs) {
            result.push_back(input.requires_grad() ? input.grad() : at::Tensor());
        }
        return result;
    }

    void release_variables() override {
        for (auto &variable : saved) variable.reset_data();
    }
};

}  // namespace

CTTensor ct_checkpoint(
    const CTTensor *handles, int64_t count, void *context, CTCheckpointBody call,
    void (*release)(void *), char **error) {
    auto body = std::make_shared<Body>(context, call, release);
    return guarded<CTTensor>(error, nullptr, [&] {
        auto inputs = tensors(handles, count);
        if (!at::GradMode::is_enabled()) return give(body->run(inputs));
        at::Tensor output;
        {
            at::NoGradGuard silent;
            output = body->run(inputs).detach();
        }
        auto node = std::shared_ptr<CheckpointNode>(
            new CheckpointNode(), torch::autograd::deleteNode);
        node->body = body;
        for (const auto &input : inputs) node->saved.emplace_back(input, false);
        node->set_next_edges(torch::autograd::collect_next_edges(inputs));
        torch::autograd::set_history(output, node);
        return give(std::move(output));
    });
}
