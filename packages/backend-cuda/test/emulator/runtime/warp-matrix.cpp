/** Matrix products and matrix loads of a warp. Fragments: the PTX manual, "mma.m16n8k16" and "ldmatrix". */
#include <cstring>

#include "../kernel/warp-matrix.h"
#include "checks.h"
#include "collective.h"

namespace emulated {

namespace {

constexpr unsigned ROWS = 16;
constexpr unsigned COLUMNS = 8;
constexpr unsigned DEPTH = 16;
constexpr unsigned ROW_BYTES = 16;

struct Product {
  float* d;
  const unsigned* a;
  const unsigned* b;
};

float low(unsigned pair) { return __builtin_bit_cast(float, pair << 16); }
float high(unsigned pair) { return __builtin_bit_cast(float, pair & 0xffff0000u); }

/** Where register `part` of d or a has its first element: row lane / 4, in its lower half 8 further on. */
unsigned row_of(unsigned lane, unsigned part) { return lane / 4 + part % 2 * 8; }

void multiply(void* const* payloads, uint32_t) {
  float a[ROWS][DEPTH];
  float b[DEPTH][COLUMNS];
  for (unsigned lane = 0; lane < LANES; lane++) {
    const auto& own = *static_cast<const Product*>(payloads[lane]);
    const unsigned pair = lane % 4 * 2;
    for (unsigned part = 0; part < 4; part++) {
      float* to = &a[row_of(lane, part)][pair + part / 2 * 8];
      to[0] = low(own.a[part]);
      to[1] = high(own.a[part]);
    }
    for (unsigned part = 0; part < 2; part++) {
      b[pair + part * 8][lane / 4] = low(own.b[part]);
      b[pair + part * 8 + 1][lane / 4] = high(own.b[part]);
    }
  }
  // Products of bf16 are exact in double, and nearly so are their sums: rounded once, as the hardware does about.
  double sums[ROWS][COLUMNS] = {};
  for (unsigned row = 0; row < ROWS; row++)
    for (unsigned k = 0; k < DEPTH; k++)
      for (unsigned column = 0; column < COLUMNS; column++)
        sums[row][column] += static_cast<double>(a[row][k]) * static_cast<double>(b[k][column]);
  for (unsigned lane = 0; lane < LANES; lane++) {
    float* d = static_cast<const Product*>(payloads[lane])->d;
    for (unsigned i = 0; i < 4; i++)
      d[i] = static_cast<float>(d[i] + sums[row_of(lane, i / 2)][lane % 4 * 2 + i % 2]);
  }
}

struct MatrixLoad {
  unsigned* to;
  const void* row;
};

template <bool TRANSPOSED>
void load(void* const* payloads, uint32_t) {
  for (unsigned matrix = 0; matrix < 4; matrix++) {
    uint16_t elements[8][8];
    for (unsigned row = 0; row < 8; row++)
      memcpy(elements[row], static_cast<const MatrixLoad*>(payloads[matrix * 8 + row])->row, ROW_BYTES);
    for (unsigned lane = 0; lane < LANES; lane++) {
      const unsigned line = lane / 4;
      const unsigned first = lane % 4 * 2;
      const unsigned x = TRANSPOSED ? elements[first][line] : elements[line][first];
      const unsigned y = TRANSPOSED ? elements[first + 1][line] : elements[line][first + 1];
      static_cast<const MatrixLoad*>(payloads[lane])->to[matrix] = x | y << 16;
    }
  }
}

constexpr Collective MULTIPLY{"mma_bf16", true, true, multiply};
constexpr Collective LOAD{"load_matrices", true, true, load<false>};
constexpr Collective LOAD_TRANSPOSED{"load_matrices_transposed", true, true, load<true>};

}  // namespace

void multiply_bf16(float* d, const unsigned* a, const unsigned* b) {
  Product own{d, a, b};
  together(MULTIPLY, FULL_MASK, &own, __builtin_return_address(0));
}

void load_matrices(unsigned* to, const void* row, bool transposed) {
  const void* site = __builtin_return_address(0);
  if (reinterpret_cast<uintptr_t>(row) % ROW_BYTES != 0)
    fail(Failure::misaligned_address, site, "load_matrices from %p, which is not a multiple of 16", row);
  checks::require_shared(row, ROW_BYTES, site);
  checks::read(row, ROW_BYTES, site);
  MatrixLoad own{to, row};
  together(transposed ? LOAD_TRANSPOSED : LOAD, FULL_MASK, &own, site);
}

}  // namespace emulated
