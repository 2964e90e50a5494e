/** Devices, contexts and the driver itself. */
#include <cstring>

#include "../runtime/memory.h"
#include "../runtime/options.h"
#include "../runtime/shared.h"
#include "state.h"

using namespace emulated;

namespace {

struct ErrorText {
  int status;
  const char* name;
  const char* sentence;
};
constexpr ErrorText ERRORS[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {907, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

const ErrorText* find_error(int status) {
  for (const ErrorText& error : ERRORS)
    if (error.status == status) return &error;
  return nullptr;
}

/** Dynamic shared memory that a block may ask for. */
int most_shared() {
  const int capability = options().capability;
  if (capability < 80) return 64 * 1024;
  if (capability == 80 || capability == 87) return 163 * 1024;
  return capability < 90 || capability >= 120 ? 99 * 1024 : static_cast<int>(MOST_SHARED);
}

bool is_device(int device) { return device >= 0 && device < options().devices; }

}  // namespace

EXPORT int qsparseEmulated() { return 1; }

EXPORT int cuInit(unsigned flags) {
  BEGIN(call, Needs::nothing);
  if (flags != 0) return call.wrong(INVALID_VALUE, "flags must be 0, got %u", flags);
  if (options().devices == 0) return NO_DEVICE;
  state().initialised = true;
  return SUCCESS;
}

EXPORT int cuDriverGetVersion(int* version) {
  BEGIN(call, Needs::nothing);
  *version = options().driver_version;
  return SUCCESS;
}

EXPORT int cuDeviceGetCount(int* count) {
  BEGIN(call, Needs::initialised);
  *count = options().devices;
  return SUCCESS;
}

EXPORT int cuDeviceGet(int* device, int ordinal) {
  BEGIN(call, Needs::initialised);
  if (!is_device(ordinal)) return INVALID_DEVICE;
  *device = ordinal;
  return SUCCESS;
}

EXPORT int cuDeviceGetName(char* name, int length, int device) {
  BEGIN(call, Needs::initialised);
  if (!is_device(device)) return INVALID_DEVICE;
  if (length < 1) return INVALID_VALUE;
  strncpy(name, "Emulated GPU", static_cast<size_t>(length) - 1);
  name[length - 1] = '\0';
  return SUCCESS;
}

EXPORT int cuDeviceGetAttribute(int* value, int attribute, int device) {
  BEGIN(call, Needs::initialised);
  if (!is_device(device)) return INVALID_DEVICE;
  switch (attribute) {
    case 1: *value = static_cast<int>(MOST_THREADS); break;
    case 2: *value = 1024; break;
    case 3: *value = 1024; break;
    case 4: *value = 64; break;
    case 5: *value = 0x7fffffff; break;
    case 6: *value = 65535; break;
    case 7: *value = 65535; break;
    case 8: *value = 48 * 1024; break;
    case 10: *value = static_cast<int>(LANES); break;
    case 12: *value = 65536; break;
    case 16: *value = options().multiprocessors; break;
    case 38: *value = 50 << 20; break;
    case 39: *value = 2048; break;
    case 41: *value = 1; break;
    case 75: *value = options().capability / 10; break;
    case 76: *value = options().capability % 10; break;
    case 81: *value = most_shared() + 1024; break;
    case 82: *value = 65536; break;
    case 97: *value = most_shared(); break;
    default: return call.wrong(INVALID_VALUE, "the emulator has no attribute %d", attribute);
  }
  return SUCCESS;
}

EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  BEGIN(call, Needs::initialised);
  if (!is_device(device)) return INVALID_DEVICE;
  *bytes = options().memory;
  return SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRetain(Context** context, int device) {
  BEGIN(call, Needs::initialised);
  if (!is_device(device)) return INVALID_DEVICE;
  if (state().sticky != 0) return state().sticky;
  state().context.retained++;
  *context = &state().context;
  return SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  BEGIN(call, Needs::initialised);
  if (!is_device(device)) return INVALID_DEVICE;
  if (state().context.retained == 0) return INVALID_CONTEXT;
  state().context.retained--;
  return SUCCESS;
}

EXPORT int cuCtxSetCurrent(const Context* context) {
  BEGIN(call, Needs::initialised);
  if (context && (context != &state().context || context->retained == 0)) return INVALID_CONTEXT;
  has_current_context = context != nullptr;
  return SUCCESS;
}

EXPORT int cuCtxSynchronize() {
  BEGIN(call, Needs::context);
  for (Stream* stream : state().streams.all()) {
    if (!stream->capture) continue;
    stream->invalidated = true;
    return STREAM_CAPTURE_UNSUPPORTED;
  }
  return finish_all();
}

EXPORT int cuGetErrorName(int status, const char** name) {
  const ErrorText* error = find_error(status);
  *name = error ? error->name : nullptr;
  return error ? SUCCESS : INVALID_VALUE;
}

EXPORT int cuGetErrorString(int status, const char** sentence) {
  const ErrorText* error = find_error(status);
  *sentence = error ? error->sentence : nullptr;
  return error ? SUCCESS : INVALID_VALUE;
}
