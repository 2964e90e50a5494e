/** Memory of the device, page-locked memory of the host, copies and fills. */
#include "../runtime/memory.h"

#include <cstring>

#include "../runtime/options.h"
#include "state.h"

using namespace emulated;

namespace {

int allocate_for(const Call& call, uintptr_t* address, size_t bytes, MemoryKind kind) {
  if (bytes == 0) return call.wrong(INVALID_VALUE, "0 bytes");
  if (const int status = refuse_in_capture()) return status;
  *address = allocate(bytes, kind);
  return *address == 0 ? OUT_OF_MEMORY : SUCCESS;
}

/** As on a GPU, work that may use the memory is finished first. */
int release_of(const Call& call, uintptr_t address, MemoryKind kind) {
  if (address == 0 && kind == MemoryKind::device) return SUCCESS;
  if (const int status = refuse_in_capture()) return status;
  if (const int status = finish_all()) return status;
  if (release(address, kind)) return SUCCESS;
  return call.wrong(INVALID_VALUE, "%s is not the start of a live allocation", describe_address(address));
}

bool is_stream(const Stream* stream) { return !stream || state().streams.has(stream); }

/** Checks what lies on the device now and again when the copy runs: a graph outlives memory. */
int require_allocated(const Call& call, uintptr_t address, size_t bytes) {
  if (is_allocated(address, bytes)) return SUCCESS;
  return call.wrong(INVALID_VALUE, "%zu bytes at %s are not one allocation", bytes, describe_address(address));
}

int enqueue_copy(const Call& call, uintptr_t to, uintptr_t from, size_t bytes, Stream* stream, bool to_device,
                 bool from_device) {
  if (!is_stream(stream)) return INVALID_HANDLE;
  if (bytes == 0) return SUCCESS;
  if (to == 0 || from == 0) return call.wrong(INVALID_VALUE, "null address");
  if (to_device)
    if (const int status = require_allocated(call, to, bytes)) return status;
  if (from_device)
    if (const int status = require_allocated(call, from, bytes)) return status;
  const auto run = [=]() -> int {
    if ((in_device_range(to) && !is_allocated(to, bytes)) || (in_device_range(from) && !is_allocated(from, bytes))) {
      say("a copy of %zu bytes runs after its memory was freed", bytes);
      return static_cast<int>(Failure::illegal_address);
    }
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    return SUCCESS;
  };
  return enqueue(stream, {"copy", run});
}

template <class T>
int enqueue_fill(const Call& call, uintptr_t to, T value, size_t count, Stream* stream) {
  if (!is_stream(stream)) return INVALID_HANDLE;
  if (count == 0) return SUCCESS;
  if (to % sizeof(T) != 0) return call.wrong(INVALID_VALUE, "%#zx is not a multiple of %zu", to, sizeof(T));
  if (const int status = require_allocated(call, to, count * sizeof(T))) return status;
  const auto run = [=]() -> int {
    if (!is_allocated(to, count * sizeof(T))) return static_cast<int>(Failure::illegal_address);
    for (size_t i = 0; i < count; i++) reinterpret_cast<T*>(to)[i] = value;
    return SUCCESS;
  };
  return enqueue(stream, {"fill", run});
}

}  // namespace

EXPORT int cuMemGetInfo_v2(size_t* free, size_t* total) {
  BEGIN(call, Needs::context);
  *total = options().memory;
  *free = options().memory - device_bytes_in_use();
  return SUCCESS;
}

EXPORT int cuMemAlloc_v2(uintptr_t* address, size_t bytes) {
  BEGIN(call, Needs::context);
  return allocate_for(call, address, bytes, MemoryKind::device);
}

EXPORT int cuMemFree_v2(uintptr_t address) {
  BEGIN(call, Needs::context);
  return release_of(call, address, MemoryKind::device);
}

EXPORT int cuMemHostAlloc(uintptr_t* address, size_t bytes, unsigned) {
  BEGIN(call, Needs::context);
  return allocate_for(call, address, bytes, MemoryKind::host);
}

EXPORT int cuMemFreeHost(uintptr_t address) {
  BEGIN(call, Needs::context);
  return release_of(call, address, MemoryKind::host);
}

EXPORT int cuMemcpyHtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, Stream* stream) {
  BEGIN(call, Needs::context);
  return enqueue_copy(call, to, from, bytes, stream, true, false);
}

EXPORT int cuMemcpyDtoHAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, Stream* stream) {
  BEGIN(call, Needs::context);
  return enqueue_copy(call, to, from, bytes, stream, false, true);
}

EXPORT int cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, Stream* stream) {
  BEGIN(call, Needs::context);
  return enqueue_copy(call, to, from, bytes, stream, true, true);
}

EXPORT int cuMemsetD8Async(uintptr_t to, unsigned char value, size_t count, Stream* stream) {
  BEGIN(call, Needs::context);
  return enqueue_fill<unsigned char>(call, to, value, count, stream);
}

EXPORT int cuMemsetD32Async(uintptr_t to, unsigned value, size_t count, Stream* stream) {
  BEGIN(call, Needs::context);
  return enqueue_fill<unsigned>(call, to, value, count, stream);
}
