/*
 * pack_ternary: the signs of w [outputs, inputs], float or bf16 by its bits, in 2 bits and channel by channel. A square of
 * 64 bytes by 64 channels at a time, so that both sides of the transpose stay in the first cache.
 */
#include "../runtime/kernel.h"

struct pack_ternary_args {
  const float *floats;
  const uint16_t *halves;
  uint8_t *y;
  int32_t outputs;
  int32_t inputs;
};

enum { BYTES = 64, TILE = 64 };

/* 2, 1 or 0 for a positive, zero (or NaN) or negative number. */
static uint32_t code_of(uint32_t bits) {
  const uint32_t magnitude = bits & 0x7fffffffu;
  return magnitude - 1 < 0x7f800000u ? (bits >> 31 ? 0 : 2) : 1;
}

KERNEL(pack_ternary) {
  const struct range mine = part(a->inputs, TILE, thread, threads);
  const int32_t stride = (a->outputs + 4 * BYTES - 1) / (4 * BYTES) * BYTES;
  for (int32_t column = 0; column < stride; column += BYTES) {
    for (int32_t first = mine.begin; first < mine.end; first += TILE) {
      const int32_t last = first + TILE < mine.end ? first + TILE : mine.end;
      for (int32_t i = 0; i < 4 * BYTES; i++) {
        const int32_t output = 4 * column + i, shift = i / BYTES * 2;
        uint8_t *to = a->y + column + i % BYTES;
        for (int32_t input = first; input < last; input++) {
          const size_t from = (size_t)output * (size_t)a->inputs + (size_t)input;
          uint32_t bits = 0;
          if (output < a->outputs) bits = a->halves ? (uint32_t)a->halves[from] << 16 : ((const uint32_t *)a->floats)[from];
          uint8_t *byte = to + (size_t)input * (size_t)stride;
          *byte = (uint8_t)((shift == 0 ? 0 : *byte) | code_of(bits) << shift);
        }
      }
    }
  }
}
