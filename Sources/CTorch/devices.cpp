#include <ATen/DeviceAccelerator.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <mutex>

#include "support.h"

using namespace ctorch;

// The CUDA half of libtorch registers itself when its library is loaded. The program does not link
// it, so that one binary serves machines with and without a GPU.
bool ct_cuda_available(void) {
    static const bool available = [] {
        dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
        try {
            return at::hasCUDA() && at::detail::getCUDAHooks().deviceCount() > 0;
        } catch (...) {
            return false;
        }
    }();
    return available;
}

int ct_cuda_device_count(void) {
    return ct_cuda_available() ? at::detail::getCUDAHooks().deviceCount() : 0;
}

int64_t ct_cuda_peak_memory(int index, char **error) {
    return guarded<int64_t>(error, -1, [&] {
        auto stats = at::accelerator::getDeviceStats(static_cast<c10::DeviceIndex>(index));
        return stats.allocated_bytes[0].peak;
    });
}

CTGenerator ct_generator_new(int64_t deviceCode, uint64_t seed, char **error) {
    return guarded<CTGenerator>(error, nullptr, [&] {
        auto where = device(deviceCode);
        auto result = where.is_cpu()
            ? at::detail::createCPUGenerator(seed)
            : at::globalContext().getAcceleratorHooksInterface(where.type()).getNewGenerator(
                  where.index());
        result.set_current_seed(seed);
        return reinterpret_cast<CTGenerator>(new at::Generator(std::move(result)));
    });
}

void ct_generator_free(CTGenerator handle) { delete &generator(handle); }

CTTensor ct_generator_state(CTGenerator handle, char **error) {
    return guarded<CTTensor>(error, nullptr, [&] {
        std::lock_guard<std::mutex> lock(generator(handle).mutex());
        return give(generator(handle).get_state());
    });
}

int ct_generator_set_state(CTGenerator handle, CTTensor state, char **error) {
    return guarded<int>(error, -1, [&] {
        std::lock_guard<std::mutex> lock(generator(handle).mutex());
        generator(handle).set_state(tensor(state));
        return 0;
    });
}
