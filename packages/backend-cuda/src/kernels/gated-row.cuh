/** act(gate) * up of a row in bf16, in registers. */
#pragma once
#include "gated-activation.cuh"
#include "row-team.cuh"

/** Vectors of gate and up that are loaded before the first is used. */
constexpr int AHEAD = 4;

/** act(gate) * up of two entries. */
template <GatedKind KIND>
DEVICE u32 gated_word(u32 gates, u32 ups) {
  return pack_bf16(activation<bf16, KIND>(low_bf16(gates)).value * low_bf16(ups),
                   activation<bf16, KIND>(high_bf16(gates)).value * high_bf16(ups));
}
/** The same of vectors, in the place of the gates. */
template <GatedKind KIND, int COUNT, int OF_VECTOR>
DEVICE void gate_words(u32 (&gates)[COUNT][OF_VECTOR], const u32 (&ups)[COUNT][OF_VECTOR]) {
#pragma unroll
  for (int v = 0; v < COUNT; v++)
#pragma unroll
    for (int i = 0; i < OF_VECTOR; i++) gates[v][i] = gated_word<KIND>(gates[v][i], ups[v][i]);
}

template <class Team, GatedKind KIND>
DEVICE void gate_row(u32 (&row)[VECTORS][WORDS], const bf16* gate, const bf16* up, const Place& place) {
#pragma unroll
  for (int first = 0; first < VECTORS; first += AHEAD) {
    if (first >= place.vectors) {
#pragma unroll
      for (int v = first; v < first + AHEAD; v++)
#pragma unroll
        for (int i = 0; i < WORDS; i++) row[v][i] = 0;
      continue;
    }
    u32 ups[AHEAD][WORDS];
#pragma unroll
    for (int v = 0; v < AHEAD; v++) {
      load_words<Team>(row[first + v], gate, place, first + v);
      load_words<Team>(ups[v], up, place, first + v);
    }
#pragma unroll
    for (int v = 0; v < AHEAD; v++) {
#pragma unroll
      for (int i = 0; i < WORDS; i++) row[first + v][i] = gated_word<KIND>(row[first + v][i], ups[v][i]);
    }
  }
}

/** The row of h whose gates start at `gate` and whose ups lie behind them. */
template <class Team>
DEVICE void load_gated(u32 (&row)[VECTORS][WORDS], const bf16* gate, int width, int kind, const Place& place) {
  if (kind == GATED_SILU) gate_row<Team, GATED_SILU>(row, gate, gate + width, place);
  else gate_row<Team, GATED_SQUARED_RELU>(row, gate, gate + width, place);
}
