/**
 * What the compiler calls before every load and store of a kernel that is compiled with -fsanitize=thread: the names are
 * those of ThreadSanitizer, whose runtime is not used.
 */
#include <cstring>

#include "block.h"
#include "checks.h"
#include "races.h"

#ifdef QSPARSE_INSTRUMENTED
const bool emulated::INSTRUMENTED = true;
#else
const bool emulated::INSTRUMENTED = false;
#endif

namespace {

template <size_t BYTES>
void require_aligned(const void* at, const void* site) {
  if (reinterpret_cast<uintptr_t>(at) % BYTES == 0) return;
  emulated::fail(emulated::Failure::misaligned_address, site, "accesses %zu bytes at %p, which is not a multiple of them",
                 BYTES, at);
}

}  // namespace

extern "C" {

#define EMULATED_ACCESS(BYTES)                                                          \
  void __tsan_read##BYTES(void* at) {                                                   \
    require_aligned<BYTES>(at, __builtin_return_address(0));                            \
    emulated::checks::read(at, BYTES, __builtin_return_address(0));                     \
  }                                                                                     \
  void __tsan_write##BYTES(void* at) {                                                  \
    require_aligned<BYTES>(at, __builtin_return_address(0));                            \
    emulated::checks::write(at, BYTES, __builtin_return_address(0));                    \
  }                                                                                     \
  void __tsan_unaligned_read##BYTES(void* at) {                                         \
    emulated::checks::read(at, BYTES, __builtin_return_address(0));                     \
  }                                                                                     \
  void __tsan_unaligned_write##BYTES(void* at) {                                        \
    emulated::checks::write(at, BYTES, __builtin_return_address(0));                    \
  }
EMULATED_ACCESS(1)
EMULATED_ACCESS(2)
EMULATED_ACCESS(4)
EMULATED_ACCESS(8)
EMULATED_ACCESS(16)

void __tsan_read_range(void* at, size_t bytes) { emulated::checks::read(at, bytes, __builtin_return_address(0)); }
void __tsan_write_range(void* at, size_t bytes) { emulated::checks::write(at, bytes, __builtin_return_address(0)); }
void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
  emulated::checks::read(from, bytes, __builtin_return_address(0));
  emulated::checks::write(to, bytes, __builtin_return_address(0));
  return memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, size_t bytes) {
  emulated::checks::read(from, bytes, __builtin_return_address(0));
  emulated::checks::write(to, bytes, __builtin_return_address(0));
  return memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, size_t bytes) {
  emulated::checks::write(to, bytes, __builtin_return_address(0));
  return memset(to, value, bytes);
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
}
