/** Sentences about a launch that failed. */
#pragma once
#include <string>

#include "block.h"

namespace emulated {

/** "kernel x (file.cu), block (0, 0, 0), thread (5, 0, 0) at file.cu:12: "; null leaves the thread out. */
std::string describe_place(const Thread* thread, const void* site);
/** Where each of the waiting threads of `block` waits. */
std::string describe_deadlock();

}  // namespace emulated
