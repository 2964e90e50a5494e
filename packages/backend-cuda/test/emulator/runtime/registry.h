/** The kernels that are linked in, and the shared variables of each module. */
#pragma once
#include <cstddef>

#include "../kernel/launch.h"

namespace emulated {

struct SharedVariables {
  unsigned char* begin;
  size_t bytes;
};

/** Null: there is no such kernel in the module. */
const Kernel* find_kernel(const char* module, const char* name);
bool has_module(const char* name);
/** The section of __shared__ variables of a module; empty where it has none. */
SharedVariables shared_variables(const char* module);

}  // namespace emulated
