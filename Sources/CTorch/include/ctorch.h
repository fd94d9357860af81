// A plain C door to libtorch. Every operator is reached by its registered name through the
// dispatcher (`ct_operator_call`), so that autograd, autocast and every backend apply; the other
// functions do what is no operator: memory, autograd, generators, threads, devices.
//
// Conventions. A function that can fail takes `char **error` last; on failure it stores a message
// the caller releases with `free` and returns NULL, 0 or -1. A `CTTensor` result is owned by the
// caller, who releases it with `ct_tensor_free`. No C++ exception leaves this file.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CTTensorOpaque *CTTensor;
typedef struct CTOperatorOpaque *CTOperator;
typedef struct CTGeneratorOpaque *CTGenerator;
typedef struct CTStoreOpaque *CTStore;
typedef struct CTProcessGroupOpaque *CTProcessGroup;

// What a `CTValue` holds.
typedef enum CTTag {
    CTTagDefault,     // the default value that the operator's schema states
    CTTagNone,
    CTTagTensor,      // objects[offset]
    CTTagInteger,     // integer (also dtype, and bool where the schema says int)
    CTTagReal,        // real
    CTTagBoolean,     // integer != 0
    CTTagIntegers,    // integers[offset ..< offset + integer]
    CTTagTensors,     // objects[offset ..< offset + integer]
    CTTagGenerator,   // objects[offset]
    CTTagDevice,      // integer: type * 256 + index + 1
    CTTagString,      // (const char *)objects[offset]
} CTTag;

// One argument of an operator. Lists lie in pools that are passed beside the arguments.
typedef struct CTValue {
    CTTag tag;
    int64_t integer;
    int64_t offset;
    double real;
} CTValue;

// Operators. `ct_operator_find` gives a handle that lives as long as the process.
CTOperator ct_operator_find(const char *name, const char *overload, char **error);
// Calls an operator; fills `results` with at most `capacity` tensors (lists are flattened) and
// returns their number, or -1.
int64_t ct_operator_call(
    CTOperator op, const CTValue *arguments, int64_t count, const int64_t *integers,
    void *const *objects, CTTensor *results, int64_t capacity, char **error);

// Tensors.
void ct_tensor_free(CTTensor tensor);
// A second handle of the same tensor.
CTTensor ct_tensor_share(CTTensor tensor);
// Copies `byteCount` bytes into a new CPU tensor.
CTTensor ct_tensor_from_bytes(
    const void *bytes, int64_t byteCount, const int64_t *shape, int64_t rank, int dtype,
    char **error);
// A CPU tensor over memory it does not own; `release(context)` runs when the last user is gone.
CTTensor ct_tensor_from_memory(
    void *memory, const int64_t *shape, int64_t rank, int dtype, void *context,
    void (*release)(void *), char **error);
int64_t ct_tensor_rank(CTTensor tensor);
int64_t ct_tensor_size(CTTensor tensor, int64_t dimension);
int ct_tensor_dtype(CTTensor tensor);
// type * 256 + index + 1
int64_t ct_tensor_device(CTTensor tensor);
bool ct_tensor_is_contiguous(CTTensor tensor);
// Address of the first element of a CPU tensor.
void *ct_tensor_data(CTTensor tensor, char **error);
// True where both share the same implementation object.
bool ct_tensor_is_same(CTTensor a, CTTensor b);

// Autograd.
bool ct_tensor_requires_grad(CTTensor tensor);
int ct_tensor_set_requires_grad(CTTensor tensor, bool value, char **error);
// The accumulated gradient, or NULL without an error where there is none.
CTTensor ct_tensor_grad(CTTensor tensor, char **error);
// Sets the gradient; NULL clears it.
int ct_tensor_set_grad(CTTensor tensor, CTTensor gradient, char **error);
int ct_backward(
    const CTTensor *outputs, const CTTensor *gradients, int64_t count, bool keepGraph,
    char **error);
// Gradients of `outputs` with respect to `inputs`; `results[i]` may come out NULL where unused.
int ct_gradients(
    const CTTensor *outputs, int64_t outputCount, const CTTensor *inputs, int64_t inputCount,
    bool keepGraph, CTTensor *results, char **error);
bool ct_grad_mode(void);
void ct_set_grad_mode(bool enabled);
void *ct_inference_mode_enter(void);
void ct_inference_mode_leave(void *guard);

// Gradient checkpointing: runs `body` without recording, and again with recording when the
// gradient of its output is wanted. `body` returns a tensor it gives away, or NULL and a message.
typedef CTTensor (*CTCheckpointBody)(
    void *context, const CTTensor *inputs, int64_t count, char **error);
CTTensor ct_checkpoint(
    const CTTensor *inputs, int64_t count, void *context, CTCheckpointBody body,
    void (*release)(void *), char **error);

// Automatic mixed precision for one device type on the calling thread.
bool ct_autocast_enabled(int deviceType);
int ct_autocast_dtype(int deviceType);
void ct_autocast_enter(int deviceType, int dtype);
void ct_autocast_leave(int deviceType, bool enabled, int dtype);

// Random generators.
CTGenerator ct_generator_new(int64_t device, uint64_t seed, char **error);
void ct_generator_free(CTGenerator generator);
CTTensor ct_generator_state(CTGenerator generator, char **error);
int ct_generator_set_state(CTGenerator generator, CTTensor state, char **error);

// Threads, memory and devices.
// Makes the C library keep freed memory for the next allocation.
void ct_keep_freed_pages(void);
int ct_thread_count(void);
void ct_set_thread_count(int count);
bool ct_cuda_available(void);
int ct_cuda_device_count(void);
// Peak bytes allocated on a CUDA device since the process started.
int64_t ct_cuda_peak_memory(int index, char **error);
const char *ct_version(void);

// Process groups. A store is where processes meet: one of them is its server, on port 0 on any free
// port. Times are in seconds.
CTStore ct_store_new(
    const char *host, uint16_t port, bool isServer, double timeout, char **error);
uint16_t ct_store_port(CTStore store);
void ct_store_free(CTStore store);
// Returns when all processes have come. `interface` is a name or address of this machine that the
// others reach; NULL for that of its host name.
CTProcessGroup ct_process_group_new(
    CTStore store, const char *interface, int rank, int size, double timeout, char **error);
// Replaces the values of a CPU tensor by the sums over all processes.
int ct_process_group_sum(CTProcessGroup group, CTTensor values, char **error);
void ct_process_group_free(CTProcessGroup group);

#ifdef __cplusplus
}
#endif
#endif
