/**
 * The same as sparsify-row.cuh with a selection inside short blocks: of 2, 4, 8, 16, 32 or 64 entries of bf16. Nothing is
 * searched: each entry counts the entries of its block that come before it, two comparisons in one instruction.
 */
#pragma once
#include "sparsify-row.cuh"

/** Adds, for a pair of entries, minus those of `other` that are not below `bound`, as count_vector does. */
DEVICE void count_ahead(u32& sum, u32 other, u32 swapped, u32 bound) {
  sum += halves_not_below(other, bound) + halves_not_below(swapped, bound);
}
DEVICE u32 swap_halves(u32 pair) { return (pair >> 16) | (pair << 16); }

/**
 * The masks of a vector's entries: those with fewer than `keep` of their block ahead of them, larger ones or equal ones of
 * lower index. A block is WORDS_OF_BLOCK words of this thread or, where that is all four, the vectors of `lanes` lanes
 * side by side, all of which must call.
 */
template <int WORDS_OF_BLOCK>
DEVICE void block_masks(u32 (&masks)[WORDS], const u32 (&words)[WORDS], int lanes, int keep) {
  // What comes later must be above: not below the next key.
  u32 keys[WORDS], next[WORDS], ahead[WORDS];
#pragma unroll
  for (int i = 0; i < WORDS; i++) {
    keys[i] = words[i] & 0x7fff7fffu;
    next[i] = keys[i] + 0x00010001u;
    const u32 swapped = swap_halves(keys[i]);
    // The upper entry of a pair comes after the lower one.
    ahead[i] = halves_not_below(swapped, (keys[i] & 0xffff0000u) | (next[i] & 0xffffu));
  }
#pragma unroll
  for (int j = 0; j < WORDS; j++) {
    const u32 swapped = swap_halves(keys[j]);
#pragma unroll
    for (int i = 0; i < WORDS; i++)
      if (i != j && i / WORDS_OF_BLOCK == j / WORDS_OF_BLOCK) count_ahead(ahead[i], keys[j], swapped, j < i ? keys[i] : next[i]);
  }
  if (WORDS_OF_BLOCK == WORDS) {
#pragma unroll 1
    for (int with = 1; with < lanes; with++) {
      const bool earlier = (lane_index() ^ with) < lane_index();
#pragma unroll
      for (int j = 0; j < WORDS; j++) {
        const u32 other = __shfl_xor_sync(FULL_WARP, keys[j], with), swapped = swap_halves(other);
#pragma unroll
        for (int i = 0; i < WORDS; i++) count_ahead(ahead[i], other, swapped, earlier ? keys[i] : next[i]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < WORDS; i++) {
    // As in count_from; both counts in one word, and each compared with `keep`.
    const u32 low = (0u - ahead[i]) & 0xffffu, high = low - static_cast<u32>(static_cast<int>(ahead[i] + low) >> 16);
    masks[i] = (low < static_cast<u32>(keep) ? 0xffffu : 0) | (high < static_cast<u32>(keep) ? 0xffff0000u : 0);
  }
}

/** `block`: a power of two, 2 to 64, that divides the width. */
template <class Team>
DEVICE void sparsify_rows_in_blocks(const Site& site, int block, const bf16* x) {
  __shared__ u32 slots[2][Team::WARPS];
  Exchange<Team> exchange{slots};
  each_row<Team>(site.rows, place_of<Team>(site.width), [&](int index, const Place& place) {
    u32 row[VECTORS][WORDS];
    const bf16* from = x + static_cast<long long>(index) * site.width;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) load_words<Team>(row[v], from, place, v);
    const int largest = prepare_row<Team>(site, index, row, place, exchange);
    const u32 poison = largest >= NOT_FINITE<bf16> ? NAN_WORD<bf16> : 0, mask = site.output == MASK ? ONE_WORD<bf16> : 0;
    const Levels<bf16> levels(__uint_as_float(static_cast<u32>(largest) << 16));
    // Not write_output: the masks are long code, which is better there once.
    write_row<Team>(
        static_cast<bf16*>(site.y) + static_cast<long long>(index) * site.width, row, place, poison,
        [&](u32(&masks)[WORDS], int v) {
          if (block == 2) block_masks<1>(masks, row[v], 1, site.keep);
          else if (block == 4) block_masks<2>(masks, row[v], 1, site.keep);
          else block_masks<4>(masks, row[v], block / Team::N, site.keep);
        },
        [&](u32 word) { return site.output == LEVELS ? level_word<bf16>(word, levels) : mask ? mask : word; });
  });
}
