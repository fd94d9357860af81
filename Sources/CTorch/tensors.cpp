#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/version.h>

#include "support.h"

using namespace ctorch;

void ct_tensor_free(CTTensor handle) { delete &tensor(handle); }
CTTensor ct_tensor_share(CTTensor handle) { return give(tensor(handle)); }

CTTensor ct_tensor_from_bytes(
    const void *bytes, int64_t byteCount, const int64_t *shape, int64_t rank, int dtype,
    char **error) {
    return guarded<CTTensor>(error, nullptr, [&] {
        auto result = at::empty(
            at::IntArrayRef(shape, rank), at::TensorOptions(static_cast<at::ScalarType>(dtype)));
        TORCH_CHECK(
            static_cast<int64_t>(result.nbytes()) == byteCount, "a tensor of shape ",
            result.sizes(), " holds ", result.nbytes(), " bytes, not ", byteCount);
        if (byteCount > 0) std::memcpy(result.mutable_data_ptr(), bytes, byteCount);
        return give(std::move(result));
    });
}

CTTensor ct_tensor_from_memory(
    void *memory, const int64_t *shape, int64_t rank, int dtype, void *context,
    void (*release)(void *), char **error) {
    return guarded<CTTensor>(error, nullptr, [&] {
        return give(at::from_blob(
            memory, at::IntArrayRef(shape, rank), [context, release](void *) { release(context); },
            at::TensorOptions(static_cast<at::ScalarType>(dtype))));
    });
}

int64_t ct_tensor_rank(CTTensor handle) { return tensor(handle).dim(); }
int64_t ct_tensor_size(CTTensor handle, int64_t dimension) {
    return tensor(handle).sizes()[dimension];
}
int ct_tensor_dtype(CTTensor handle) { return static_cast<int>(tensor(handle).scalar_type()); }
int64_t ct_tensor_device(CTTensor handle) { return code(tensor(handle).device()); }
bool ct_tensor_is_contiguous(CTTensor handle) { return tensor(handle).is_contiguous(); }
bool ct_tensor_is_same(CTTensor a, CTTensor b) { return tensor(a).is_same(tensor(b)); }

void *ct_tensor_data(CTTensor handle, char **error) {
    return guarded<void *>(error, nullptr, [&] {
        TORCH_CHECK(tensor(handle).is_cpu(), "the elements of a tensor on a device have no address");
        return tensor(handle).mutable_data_ptr();
    });
}

bool ct_autocast_enabled(int deviceType) {
    return at::autocast::is_autocast_enabled(static_cast<at::DeviceType>(deviceType));
}

int ct_autocast_dtype(int deviceType) {
    return static_cast<int>(
        at::autocast::get_autocast_dtype(static_cast<at::DeviceType>(deviceType)));
}

void ct_autocast_enter(int deviceType, int dtype) {
    auto type = static_cast<at::DeviceType>(deviceType);
    at::autocast::set_autocast_enabled(type, true);
    at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(dtype));
    at::autocast::increment_nesting();
}

void ct_autocast_leave(int deviceType, bool enabled, int dtype) {
    auto type = static_cast<at::DeviceType>(deviceType);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(type, enabled);
    at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(dtype));
}

void ct_keep_freed_pages(void) {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);  // never
    mallopt(M_TOP_PAD, 256 << 20);
}

int ct_thread_count(void) { return at::get_num_threads(); }
void ct_set_thread_count(int count) { at::set_num_threads(count); }
const char *ct_version(void) { return TORCH_VERSION; }
