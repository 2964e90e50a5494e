#include "copies.h"

#include <cstring>

#include "../kernel/warp-matrix.h"
#include "checks.h"
#include "options.h"

namespace emulated {

namespace {

constexpr size_t BYTES = 16;

void perform(const Copy& copy) {
  checks::write(copy.to, BYTES, copy.site);
  if (copy.valid) memcpy(copy.to, copy.from, BYTES);
  else memset(copy.to, 0, BYTES);
}

void perform_oldest(Thread& thread, size_t count) {
  for (size_t i = 0; i < count; i++) perform(thread.copies[i]);
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<ptrdiff_t>(count));
}

/** A GPU may copy at any time up to the wait: forwards the latest, backwards the earliest. */
bool is_early() {
  const Order order = options().order;
  return order == Order::backwards || (order == Order::random && random_bits() >> 63 != 0);
}

}  // namespace

void finish_copies(Thread& thread) {
  if (!thread.copies.empty()) perform_oldest(thread, thread.copies.size());
  thread.groups.clear();
}

void copy_async(void* to, const void* from, bool valid) {
  const void* site = __builtin_return_address(0);
  if (reinterpret_cast<uintptr_t>(to) % BYTES != 0 || reinterpret_cast<uintptr_t>(from) % BYTES != 0) {
    fail(Failure::misaligned_address, site, "copy_async from %p to %p: both must be multiples of 16", from, to);
  }
  checks::require_shared(to, BYTES, site);
  if (valid) checks::read(from, BYTES, site);
  const Copy copy{to, from, valid, site};
  if (is_early()) perform(copy);
  else {
    checks::write(to, BYTES, site);
    running->copies.push_back(copy);
  }
}

void commit_copies() { running->groups.push_back(running->copies.size()); }

void wait_for_copies(int groups) {
  Thread& self = *running;
  if (self.groups.size() <= static_cast<size_t>(groups)) return;
  const size_t finished = self.groups.size() - static_cast<size_t>(groups);
  const size_t count = self.groups[finished - 1];
  perform_oldest(self, count);
  self.groups.erase(self.groups.begin(), self.groups.begin() + static_cast<ptrdiff_t>(finished));
  for (size_t& end : self.groups) end -= count;
}

}  // namespace emulated
