/** RMSNorm of a row in registers. rms-norm.cu and the sites that norm first must agree to the last bit. */
#pragma once
#include "row-team.cuh"

/** A weight of either dtype. */
struct NormWeight {
  /** 0: no weight. */
  const void* first;
  bool is_bf16;
};

/** Four neighbours of a weight of `T`, 8 or 16 bytes at once. */
template <class T>
DEVICE void load_four(float* to, const T* from) {
  const Vector<T, 4> vector = load_vector<4>(from);
#pragma unroll
  for (int j = 0; j < 4; j++) to[j] = to_float(vector.at[j]);
}

/** The weights of vector v; 1 past the end of the row. */
template <class Team>
DEVICE void load_weights(float (&to)[Team::N], const NormWeight& weight, const Place& place, int v) {
  const int first = place.first + v * (Team::LANES * Team::N);
  const float* floats = static_cast<const float*>(weight.first) + first;
  const bf16* halves = static_cast<const bf16*>(weight.first) + first;
#pragma unroll
  for (int j = 0; j < Team::N; j++) to[j] = 1;
  if (!holds<Team>(place, v)) return;
#pragma unroll
  for (int j = 0; j < Team::N; j += 4) {
    if (weight.is_bf16) load_four(to + j, halves + j);
    else load_four(to + j, floats + j);
  }
}

/** Sum of the squares of this thread's entries times `scale`. */
template <class Team>
DEVICE float squares_of(const u32 (&row)[VECTORS][WORDS], int vectors, float scale) {
  constexpr int IN_WORD = Team::IN_WORD;
  float sums[WORDS] = {};
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v >= vectors) break;
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
      float x[IN_WORD];
      unpack<typename Team::T>(x, row[v][i]);
#pragma unroll
      for (int j = 0; j < IN_WORD; j++) {
        x[j] *= scale;
        sums[i] = fmaf(x[j], x[j], sums[i]);
      }
    }
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/** 2^-80: what float32 cannot square, it can when it is made smaller by this. */
constexpr float SQUARES_DOWN = 8.271806125530277e-25f;

/** 1 / sqrt(mean of squares + epsilon), also where float32 cannot hold the squares. */
template <class Team>
DEVICE float inverse_rms(const u32 (&row)[VECTORS][WORDS], int vectors, int width, float epsilon,
                         Exchange<Team>& exchange) {
  const float sum = team_sum<Team>(squares_of<Team>(row, vectors, 1), exchange);
  bool fits = sum < __uint_as_float(0x7f800000u);
  float inverse = 1 / sqrtf(sum / width + epsilon);
  // Also for rows that fit, where they share a warp with one that does not: the result then stays.
  if (Team::LANES < 32 ? __any_sync(FULL_WARP, !fits) : !fits) {
    const float small = team_sum<Team>(squares_of<Team>(row, vectors, SQUARES_DOWN), exchange);
    if (!fits) inverse = SQUARES_DOWN / sqrtf(small / width + epsilon * SQUARES_DOWN * SQUARES_DOWN);
  }
  return inverse;
}

/** Vector v of the row, normed and rounded. */
template <class Team>
DEVICE void norm_words(u32 (&words)[WORDS], float inverse, const NormWeight& weight, const Place& place, int v) {
  constexpr int IN_WORD = Team::IN_WORD;
  float factors[Team::N];
  if (weight.first) load_weights<Team>(factors, weight, place, v);
#pragma unroll
  for (int i = 0; i < WORDS; i++) {
    float x[IN_WORD];
    unpack<typename Team::T>(x, words[i]);
#pragma unroll
    for (int j = 0; j < IN_WORD; j++) {
      x[j] *= inverse;
      if (weight.first) x[j] *= factors[i * IN_WORD + j];
    }
    words[i] = packed(x);
  }
}
