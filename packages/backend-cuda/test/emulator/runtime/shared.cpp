#include "shared.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "block.h"

namespace emulated {

namespace {

/** The end of the room for dynamic shared memory, in front of a page that may not be touched. */
unsigned char* end_of_room() {
  static unsigned char* end = [] {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t room = (MOST_SHARED + page - 1) / page * page;
    void* memory = mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(static_cast<char*>(memory) + room, page, PROT_NONE) != 0) {
      perror("[emulator] no memory for shared memory");
      abort();
    }
    return static_cast<unsigned char*>(memory) + room;
  }();
  return end;
}

}  // namespace

SharedVariables dynamic_variables(unsigned bytes) {
  const size_t room = (size_t{bytes} + 127) / 128 * 128;
  return {end_of_room() - room, bytes};
}

void poison_shared() {
  for (const SharedVariables& part : {block.variables, block.dynamic})
    if (part.bytes > 0) memset(part.begin, 0xff, part.bytes);
}

}  // namespace emulated
