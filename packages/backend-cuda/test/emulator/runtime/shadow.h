/**
 * Who accessed each piece of memory last. A piece is a word of 4 bytes while it is accessed as a whole; its halves or its
 * bytes once something narrower touched it.
 */
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

/** These run at every access of a kernel. */
#define INLINED __attribute__((always_inline))

namespace emulated::races {

/** The last access of one kind. */
struct Access {
  /** The time by races.cpp's count of barriers; 0: never. */
  uint32_t when;
  /** The thread's number and flags. */
  uint16_t who;
  /** How many barriers the thread's warp had passed. */
  uint16_t warp_barriers;
};

struct Cell {
  Access written;
  Access read;
};

class Shadow {
 public:
  /** Reserves addresses for the cells of `bytes` bytes; memory only where they are used. */
  explicit Shadow(size_t bytes);
  void forget(size_t offset, size_t bytes);

  /** Calls `visit` with each cell of a range of bytes. */
  template <class Visit>
  INLINED void for_each(size_t offset, size_t bytes, const Visit& visit) {
    for (size_t end = offset + bytes; offset < end;) {
      const size_t count = std::min(end - offset, 4 - offset % 4);
      Cell& word = words_[offset / 4];
      if (count == 4 && shape_of(word) == WHOLE) [[likely]] visit(word);
      else visit_parts(offset, count, visit);
      offset += count;
    }
  }

  /** After a write to a range: whole words are whole again. */
  void put(size_t offset, size_t bytes, const Access& written) {
    for (size_t end = offset + bytes; offset < end;) {
      const size_t count = std::min(end - offset, 4 - offset % 4);
      if (count == 4) words_[offset / 4] = {written, {}};
      else visit_parts(offset, count, [&](Cell& cell) { cell = {written, {}}; });
      offset += count;
    }
  }

 private:
  /** Kept in `written.who` of a word. */
  static constexpr uint16_t WHOLE = 0;
  static constexpr uint16_t HALVES = 0x0400;
  static constexpr uint16_t BYTES = 0x0800;

  static uint16_t shape_of(const Cell& word) { return word.written.who & (HALVES | BYTES); }

  template <class Visit>
  __attribute__((noinline)) void visit_parts(size_t offset, size_t count, const Visit& visit) {
    split(offset / 4, (offset | count) % 2 == 0 ? HALVES : BYTES);
    if (shape_of(words_[offset / 4]) == HALVES)
      for (size_t i = 0; i < count; i += 2) visit(halves_[(offset + i) / 2]);
    else
      for (size_t i = 0; i < count; i++) visit(bytes_[offset + i]);
  }

  /** Makes the parts of a word no larger than `shape`. */
  void split(size_t word, uint16_t shape) {
    Cell& whole = words_[word];
    if (shape_of(whole) >= shape) return;
    if (shape_of(whole) == WHOLE) halves_[word * 2] = halves_[word * 2 + 1] = whole;
    if (shape == BYTES)
      for (size_t i = 0; i < 4; i++) bytes_[word * 4 + i] = halves_[word * 2 + i / 2];
    whole.written.who = static_cast<uint16_t>((whole.written.who & ~(HALVES | BYTES)) | shape);
  }

  Cell* words_;
  Cell* halves_;
  Cell* bytes_;
};

}  // namespace emulated::races
