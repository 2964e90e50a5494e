/** The order in which the blocks of a grid run: as options().order says, each exactly once. */
#pragma once
#include <numeric>

#include "../kernel/launch.h"
#include "options.h"

namespace emulated {

class BlockOrder {
 public:
  explicit BlockOrder(Dimensions grid) : grid_(grid), count_(uint64_t{grid.x} * grid.y * grid.z) {
    if (options().order == Order::backwards) {
      at_ = count_ - 1;
      step_ = count_ - 1;
    } else if (options().order == Order::random) {
      at_ = random_bits() % count_;
      do step_ = random_bits() % count_;
      while (std::gcd(step_, count_) != 1);
    }
  }
  bool more() const { return done_ < count_; }
  void advance() {
    done_++;
    at_ = static_cast<uint64_t>((static_cast<unsigned __int128>(at_) + step_) % count_);
  }
  Dimensions index() const {
    const auto narrow = [](uint64_t value) { return static_cast<unsigned>(value); };
    return {narrow(at_ % grid_.x), narrow(at_ / grid_.x % grid_.y), narrow(at_ / grid_.x / grid_.y)};
  }

 private:
  Dimensions grid_;
  uint64_t count_;
  uint64_t done_ = 0;
  uint64_t at_ = 0;
  uint64_t step_ = 1;
};

}  // namespace emulated
