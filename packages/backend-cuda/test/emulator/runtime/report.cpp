#include "report.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <utility>

#include "collective.h"
#include "options.h"

namespace emulated {

namespace {

std::string show(Dimensions at) {
  return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

/** The emulator's own headers, through which a kernel calls it. */
bool is_own_header(const std::string& line) {
  for (const char* name : {"synchronise.h:", "math.h:", "emulated-tensor-core.h:"})
    if (line.rfind(name, 0) == 0) return true;
  return false;
}

/** "device.cuh:12 in rms-norm.cu:40": a place and what it was inlined into, where the machine has a tool that knows. */
std::string line_of(const void* site) {
  Dl_info library;
  if (!site || options().quiet || !dladdr(site, &library)) return "";
  // A return address lies behind its call.
  const size_t offset = static_cast<size_t>(static_cast<const char*>(site) - static_cast<char*>(library.dli_fbase)) - 1;
  char command[1000];
  snprintf(command, sizeof command,
           "for tool in llvm-symbolizer-19 llvm-symbolizer; do"
           " $tool --output-style=GNU --functions=none -s -i -e '%1$s' 0x%2$zx 2>/dev/null && exit; done;"
           " addr2line -s -i -e '%1$s' 0x%2$zx 2>/dev/null",
           library.dli_fname, offset);
  FILE* pipe = popen(command, "r");
  if (!pipe) return "";
  std::string all;
  char text[500];
  while (fgets(text, sizeof text, pipe)) {
    const std::string line(text, strcspn(text, " \n"));
    if (line.empty() || line[0] == '?' || is_own_header(line)) continue;
    all += (all.empty() ? "" : " in ") + line;
  }
  pclose(pipe);
  return all;
}

/** "threads 0-31, 40". */
std::string show(const std::vector<unsigned>& numbers) {
  std::string text = numbers.size() == 1 ? "thread " : "threads ";
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) last++;
    if (i > 0) text += ", ";
    text += std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::string at_line(const void* site) {
  const std::string line = line_of(site);
  return line.empty() ? "" : " at " + line;
}

}  // namespace

std::string describe_place(const Thread* thread, const void* site) {
  const Kernel& kernel = *block.launch.kernel;
  std::string text = "kernel " + std::string(kernel.name) + " (" + kernel.module + ".cu), block " + show(block.index);
  if (thread) text += ", thread " + show(thread->index);
  return text + at_line(site) + ": ";
}

std::string describe_deadlock() {
  std::map<std::pair<std::string, const void*>, std::vector<unsigned>> waiting;
  std::vector<unsigned> ended;
  for (unsigned number = 0; number < block.threads; number++) {
    const Thread& thread = block.all[number];
    if (thread.fiber) waiting[{thread.waits_for, thread.site}].push_back(number);
    else ended.push_back(number);
  }
  std::string text = "deadlock: ";
  for (const auto& [what, numbers] : waiting)
    text += show(numbers) + " waiting at " + what.first + at_line(what.second) + "; ";
  for (unsigned warp = 0; warp * LANES < block.threads; warp++) {
    for (const Group& group : block.warps[warp].groups) {
      const uint32_t missing = group.mask & ~group.arrived & ~block.warps[warp].absent;
      char line[200];
      snprintf(line, sizeof line, "warp %u: %s with mask %08x misses lanes %08x; ", warp, group.collective->name,
               group.mask, missing);
      text += line;
    }
  }
  if (!ended.empty()) text += show(ended) + " have ended; ";
  text.resize(text.size() - 2);
  return text;
}

}  // namespace emulated
