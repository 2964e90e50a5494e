#include "registry.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "shared.h"

namespace emulated {

namespace {

constexpr char SHARED_SECTION[] = ".qsparse_shared.";

/** Kernels by "module/name". Made when first used: registrations run before this file's own static objects exist. */
std::map<std::string, Kernel>& kernels() {
  static std::map<std::string, Kernel> all;
  return all;
}

/** Reads the sections of this library out of its file: sections have no symbols that a program could ask. */
std::map<std::string, SharedVariables> read_sections() {
  std::map<std::string, SharedVariables> found;
  Dl_info own;
  if (!dladdr(reinterpret_cast<const void*>(&has_module), &own)) abort();
  const int file = open(own.dli_fname, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    perror("[emulator] cannot read its own library file");
    abort();
  }
  const size_t size = static_cast<size_t>(status.st_size);
  auto* image = static_cast<const unsigned char*>(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0));
  close(file);
  if (image == MAP_FAILED) abort();
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(image);
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(image + header->e_shoff);
  const auto* names = reinterpret_cast<const char*>(image + sections[header->e_shstrndx].sh_offset);
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const char* name = names + sections[i].sh_name;
    if (strncmp(name, SHARED_SECTION, sizeof SHARED_SECTION - 1) != 0) continue;
    if (sections[i].sh_size > MOST_VARIABLES) {
      fprintf(stderr, "[emulator] %s: %zu bytes; raise MOST_VARIABLES in shared.h\n", name,
              static_cast<size_t>(sections[i].sh_size));
      abort();
    }
    auto* begin = static_cast<unsigned char*>(own.dli_fbase) + sections[i].sh_addr;
    found[name + sizeof SHARED_SECTION - 1] = {begin, sections[i].sh_size};
  }
  munmap(const_cast<unsigned char*>(image), size);
  return found;
}

}  // namespace

Registration::Registration(const Kernel& kernel) {
  const bool added = kernels().emplace(std::string(kernel.module) + "/" + kernel.name, kernel).second;
  if (added) return;
  fprintf(stderr, "[emulator] KERNEL(%s) is declared twice in %s.cu\n", kernel.name, kernel.module);
  abort();
}

const Kernel* find_kernel(const char* module, const char* name) {
  const auto found = kernels().find(std::string(module) + "/" + name);
  return found == kernels().end() ? nullptr : &found->second;
}

bool has_module(const char* name) {
  const std::string prefix = std::string(name) + "/";
  const auto first = kernels().lower_bound(prefix);
  return first != kernels().end() && first->first.compare(0, prefix.size(), prefix) == 0;
}

SharedVariables shared_variables(const char* module) {
  static const std::map<std::string, SharedVariables> sections = read_sections();
  const auto found = sections.find(module);
  return found == sections.end() ? SharedVariables{nullptr, 0} : found->second;
}

}  // namespace emulated
