/**
 * What the compiler calls where a kernel's arithmetic is undefined in C++ (-fsanitize=undefined): the names are those of
 * UndefinedBehaviorSanitizer, whose runtime is not used. Each ends the launch.
 */
#include "block.h"

namespace {

/** The beginning of what each of them gets. */
struct Described {
  const char* file;
  uint32_t line;
  uint32_t column;
};

[[noreturn]] void undefined(const Described& what, const void* site, const char* sentence) {
  const char* name = what.file;
  for (const char* at = what.file; *at != '\0'; at++)
    if (*at == '/') name = at + 1;
  emulated::fail(emulated::Failure::launch_failed, site, "%s (%s:%u:%u)", sentence, name, what.line, what.column);
}

}  // namespace

extern "C" {

#define EMULATED_UNDEFINED(name, sentence) \
  void __ubsan_handle_##name##_abort(const Described* what) { undefined(*what, __builtin_return_address(0), sentence); }

EMULATED_UNDEFINED(add_overflow, "an integer sum overflows")
EMULATED_UNDEFINED(sub_overflow, "an integer difference overflows")
EMULATED_UNDEFINED(mul_overflow, "an integer product overflows")
EMULATED_UNDEFINED(negate_overflow, "the negative of an integer overflows")
EMULATED_UNDEFINED(divrem_overflow, "divides an integer by zero, or the least one by -1")
EMULATED_UNDEFINED(shift_out_of_bounds, "shifts by a negative count or by as many bits as there are")
EMULATED_UNDEFINED(out_of_bounds, "an index is outside of its array")
EMULATED_UNDEFINED(float_cast_overflow,
                   "a float does not fit the integer that it becomes: __float2int_rz and its kin are defined for all")
EMULATED_UNDEFINED(load_invalid_value, "reads a bool that is neither true nor false")
EMULATED_UNDEFINED(builtin_unreachable, "reaches code that cannot be reached")
EMULATED_UNDEFINED(missing_return, "ends a function without its value")

void __ubsan_handle_type_mismatch_v1_abort(const Described*, const void* pointer) {
  emulated::fail(emulated::Failure::misaligned_address, __builtin_return_address(0),
                 "accesses %p, which is null or not aligned for its type", pointer);
}
}
