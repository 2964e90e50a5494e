/** Copies of a thread to shared memory that have not arrived. */
#pragma once
#include "block.h"

namespace emulated {

/** All of them arrive: the thread ends. */
void finish_copies(Thread& thread);

}  // namespace emulated
