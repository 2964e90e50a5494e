#include "shadow.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

namespace emulated::races {

namespace {

Cell* reserve(size_t cells) {
  constexpr int FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* memory = mmap(nullptr, cells * sizeof(Cell), PROT_READ | PROT_WRITE, FLAGS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("[emulator] cannot reserve addresses for the race detector; QSPARSE_EMULATED_CHECKS=0 does without");
    abort();
  }
  return static_cast<Cell*>(memory);
}

}  // namespace

Shadow::Shadow(size_t bytes) : words_(reserve(bytes / 4)), halves_(reserve(bytes / 2)), bytes_(reserve(bytes)) {}

void Shadow::forget(size_t offset, size_t bytes) {
  madvise(words_ + offset / 4, bytes / 4 * sizeof(Cell), MADV_DONTNEED);
  madvise(halves_ + offset / 2, bytes / 2 * sizeof(Cell), MADV_DONTNEED);
  madvise(bytes_ + offset, bytes * sizeof(Cell), MADV_DONTNEED);
}

}  // namespace emulated::races
