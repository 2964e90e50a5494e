/*
 * sparse_gemv: the sum of active channels of f32, bf16 or i8 weights, times their values. Threads share the outputs; each
 * adds eight channels at a time to its part of y, which stays in the first cache, in the order of the list.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

#define CHANNELS 8 /* at a time */

struct sparse_gemv_args {
  const int32_t *indices;
  const float *values;
  const int32_t *count;
  const uint8_t *w;
  const float *scales;
  const float *add;
  float *y;
  int32_t rows;
  int32_t keep;
  int32_t inputs;
  int32_t outputs;
  int32_t element_bytes;
};

/* Channels and their values, the last ones filled up with the value 0. */
struct group {
  const uint8_t *channel[CHANNELS];
  float value[CHANNELS];
};

/* Four weights of a channel from output i on, as floats. */
static inline v128_t four_f32(const uint8_t *w, int32_t i) { return load4((const float *)w + i); }

static inline v128_t four_bf16(const uint8_t *w, int32_t i) {
  return wasm_i32x4_shl(wasm_u32x4_load16x4(w + 2 * i), 16);
}

static inline v128_t four_i8(const uint8_t *w, int32_t i) {
  return wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(
      wasm_v128_load32_zero(w + i))));
}

static inline float one_f32(const uint8_t *w, int32_t i) { return ((const float *)w)[i]; }

static inline float one_bf16(const uint8_t *w, int32_t i) {
  const union {
    uint32_t bits;
    float number;
  } u = {(uint32_t)((const uint16_t *)w)[i] << 16};
  return u.number;
}

static inline float one_i8(const uint8_t *w, int32_t i) { return (float)((const int8_t *)w)[i]; }

#define LANE0(v) wasm_f32x4_extract_lane(v, 0)

/* y[begin .. end) += the channels of a group. The tail goes through a vector as well, to be fused or not alike. */
#define ADD_GROUP(type)                                                                                    \
  static void add_group_##type(const struct group *g, float *y, struct range r) {                          \
    v128_t value[CHANNELS];                                                                                \
    for (int32_t c = 0; c < CHANNELS; c++) value[c] = wasm_f32x4_splat(g->value[c]);                       \
    int32_t i = r.begin;                                                                                   \
    for (; i + 8 <= r.end; i += 8) {                                                                       \
      v128_t s0 = load4(y + i), s1 = load4(y + i + 4);                                                     \
      for (int32_t c = 0; c < CHANNELS; c++) {                                                             \
        s0 = madd(four_##type(g->channel[c], i), value[c], s0);                                            \
        s1 = madd(four_##type(g->channel[c], i + 4), value[c], s1);                                        \
      }                                                                                                    \
      store4(y + i, s0), store4(y + i + 4, s1);                                                            \
    }                                                                                                      \
    for (; i < r.end; i++) {                                                                               \
      v128_t s = wasm_f32x4_splat(y[i]);                                                                   \
      for (int32_t c = 0; c < CHANNELS; c++)                                                               \
        s = madd(wasm_f32x4_splat(one_##type(g->channel[c], i)), value[c], s);                             \
      y[i] = LANE0(s);                                                                                     \
    }                                                                                                      \
  }

ADD_GROUP(f32)
ADD_GROUP(bf16)
ADD_GROUP(i8)

KERNEL(sparse_gemv) {
  const struct range mine = part(a->outputs, 16, thread, threads);
  if (mine.begin == mine.end) return;
  const size_t stride = (size_t)a->outputs * (size_t)a->element_bytes;
  for (int32_t row = 0; row < a->rows; row++) {
    const int32_t *indices = a->indices + row * a->keep, count = a->count[row];
    const float *values = a->values + row * a->keep;
    float *y = a->y + row * a->outputs;
    int broken = 0;
    fill_floats(y + mine.begin, 0, mine.end - mine.begin);
    for (int32_t j = 0; j < count; j += CHANNELS) {
      struct group g;
      for (int32_t c = 0; c < CHANNELS; c++) {
        const int32_t k = j + c < count ? j + c : count - 1;
        const int inside = (uint32_t)indices[k] < (uint32_t)a->inputs;
        broken |= !inside;
        g.channel[c] = a->w + (inside ? (size_t)indices[k] * stride : 0);
        g.value[c] = j + c < count && inside ? values[k] : 0;
      }
      if (a->element_bytes == 4) add_group_f32(&g, y, mine);
      else if (a->element_bytes == 2) add_group_bf16(&g, y, mine);
      else add_group_i8(&g, y, mine);
    }
    for (int32_t i = mine.begin; i < mine.end; i++) {
      float sum = broken ? __builtin_nanf("") : y[i];
      if (a->scales) sum *= a->scales[i];
      y[i] = a->add ? sum + a->add[row * a->outputs + i] : sum;
    }
  }
}
