/**
 * Exact selection of the `keep` largest magnitudes, ties to the lowest index: the search of the cut, and what it takes for
 * a row in registers. Magnitudes are compared as the whole numbers of their bits ("keys": 15 bits for bf16, 31 for float),
 * which order like the numbers.
 *
 * The cut is searched by counting the row's keys from a pivot on, a few times: the first pivot is the cut of the team's
 * row before, the next ones come from the counts. The result is exact, so it does not depend on the pivots; after a few
 * passes every second one halves what is left, so that no data takes more than about 70 (float) or 40 (bf16).
 */
#pragma once
#include "row-team.cuh"

/** Keys from here on are infinity or NaN; keys from one power of two to the next. */
template <class T>
constexpr int NOT_FINITE = sizeof(T) == 2 ? 0x7f80 : 0x7f800000;
template <class T>
constexpr int OCTAVE = sizeof(T) == 2 ? 1 << 7 : 1 << 23;

/** `key` in every entry of a word. */
template <class T>
DEVICE u32 key_word(int key) {
  return sizeof(T) == 2 ? static_cast<u32>(key) * 0x00010001u : static_cast<u32>(key);
}
/** All bits of the entries whose key is at least that in `bound` (from key_word), else 0. No NaN. */
template <class T>
DEVICE u32 from_bound(u32 word, u32 bound) {
  if (sizeof(T) == 2) return halves_from(word, bound);
  return (word & 0x7fffffffu) >= bound ? FULL_WARP : 0;
}
/** The same for the entries whose key is that in `key` (from key_word). */
template <class T>
DEVICE u32 of_key(u32 word, u32 key) {
  if (sizeof(T) == 2) return halves_equal(word, key);
  return (word & 0x7fffffffu) == key ? FULL_WARP : 0;
}

/** The largest key of this thread's entries. */
template <class Team>
DEVICE u32 largest_key(const u32 (&row)[VECTORS][WORDS], int vectors) {
  constexpr bool PAIRS = sizeof(typename Team::T) == 2;
  u32 largest = 0;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v >= vectors) break;
#pragma unroll
    for (int i = 0; i < WORDS; i++)
      largest = PAIRS ? larger_halves(largest, row[v][i] & 0x7fff7fffu) : max(largest, row[v][i] & 0x7fffffffu);
  }
  return PAIRS ? max(largest & 0xffffu, largest >> 16) : largest;
}

/** Adds, for a vector, minus the entries from `bound` on; bf16: of the lower halves, plus 2^16 that of the upper ones. */
template <class T>
DEVICE void count_vector(u32& sum, const u32 (&words)[WORDS], u32 bound) {
  sum += from_bound<T>(words[0], bound) + from_bound<T>(words[1], bound);
  sum += from_bound<T>(words[2], bound) + from_bound<T>(words[3], bound);
}
/** The entries of bf16 that count_vector has added. */
DEVICE u32 pairs_counted(u32 sum) {
  // A pair of masks is -1, -2^16 or both (which is 2^16 - 1, the lower one alone): sum = 2^16 (low - high) - low.
  const u32 low = (0u - sum) & 0xffffu;
  return 2 * low - static_cast<u32>(static_cast<int>(sum + low) >> 16);
}
/** How many of this thread's keys are at least `pivot`, which is at least 1. */
template <class Team>
DEVICE u32 count_from(const u32 (&row)[VECTORS][WORDS], int vectors, int pivot) {
  using T = typename Team::T;
  const u32 bound = key_word<T>(pivot);
  u32 sum = 0;
  static_assert(VECTORS == 8, "one case for each vector");
  switch (vectors) {
    case 8: count_vector<T>(sum, row[7], bound); [[fallthrough]];
    case 7: count_vector<T>(sum, row[6], bound); [[fallthrough]];
    case 6: count_vector<T>(sum, row[5], bound); [[fallthrough]];
    case 5: count_vector<T>(sum, row[4], bound); [[fallthrough]];
    case 4: count_vector<T>(sum, row[3], bound); [[fallthrough]];
    case 3: count_vector<T>(sum, row[2], bound); [[fallthrough]];
    case 2: count_vector<T>(sum, row[1], bound); [[fallthrough]];
    default: count_vector<T>(sum, row[0], bound);
  }
  return sizeof(T) == 4 ? 0u - sum : pairs_counted(sum);
}

/** Keeps keys of at least `above`, and the first `ties` entries of key above - 1. */
struct Cut {
  int above;
  int ties;
};
/** What a team knows from its rows so far; 0: nothing. It changes how long a search takes, not what it finds. */
struct Hint {
  int cut = 0;
  /** Entries to a key, near the cut. */
  float density = 0;
};

/**
 * The cut for `keep`, 1 to width - 1, of `width` entries whose largest key is `largest`; count(pivot) says how many keys
 * are at least `pivot`. TWO_ROWS: a warp searches two rows, and a team without a search (`open` false) must call too.
 */
template <class T, bool TWO_ROWS, class Count>
DEVICE Cut find_cut(int width, int keep, int largest, bool open, Hint& hint, Count count_from) {
  constexpr int PATIENCE = 8;
  // At least low: low_count >= keep; at least high: high_count < keep. A row that is not open may have the last key there is.
  int low = 0, low_count = width, high = (open ? largest : 0) + 1, high_count = 0;
  int pivot = hint.cut > 0 ? hint.cut : largest - 2 * OCTAVE<T>;
  float density = hint.density > 0 ? hint.density : width * (1.0f / (4 * OCTAVE<T>));
  pivot = max(1, min(pivot, largest));
  open = open && largest > 0;
  const bool searched = open;
  const int first_pivot = pivot;
  int first_count = 0;
  for (int pass = 1; TWO_ROWS ? __any_sync(FULL_WARP, open) : open; pass++) {
    const int count = count_from(pivot);
    if (!open) continue;
    if (pass == 1) first_count = count;
    if (count >= keep) {
      low = pivot;
      low_count = count;
    } else {
      high = pivot;
      high_count = count;
    }
    open = low_count != keep && high - low > 1;
    if (!open) continue;
    // Between two counts, as if the keys were evenly spread; else as far as the density says, but two octaves at most.
    const bool between = low > 0 && high <= largest;
    int from = between ? low : pivot;
    const float entries = between ? (low_count - keep + 0.5f) * static_cast<float>(high - low) : count - keep;
    const float to_a_key = between ? static_cast<float>(low_count - high_count) : density;
    const float keys = fminf(fmaxf(__fdividef(entries, to_a_key), -2.0f * OCTAVE<T>), 2.0f * OCTAVE<T>);
    int step = static_cast<int>(keys);
    if (pass >= PATIENCE && pass % 2 == 0) {
      from = low;
      step = (high - low) / 2;
    }
    pivot = from + min(max(step, low - from), high - from);
    pivot = max(low + 1, min(pivot, high - 1));
  }
  if (searched) {
    hint.cut = low;
    const int keys = low > first_pivot ? low - first_pivot : first_pivot - low;
    const int entries = low > first_pivot ? first_count - low_count : low_count - first_count;
    if (low > 0 && keys > 0 && entries > width / 64) {
      const float seen = __fdividef(static_cast<float>(entries), static_cast<float>(keys));
      hint.density = hint.density > 0 ? 0.75f * hint.density + 0.25f * seen : seen;
    }
  }
  if (low_count == keep) return {low, 0};
  return {high, keep - high_count};
}

/** Which entries of key above - 1 a thread keeps. */
struct Ties {
  /** All in its first `whole` vectors, and in the next one those flagged in `flags`; none behind. -1: none at all. */
  int whole;
  u32 flags;
};

/** Flags of a vector: entry 2i + j of bf16 is bit i + 16 j, entry i of float bit i. Two of four vectors, or eight, fit. */
template <class T>
constexpr u32 FLAGS = sizeof(T) == 2 ? 0x000f000fu : 0xfu;
template <class T>
constexpr int FLAGGED = sizeof(T) == 2 ? 4 : 8;

/** The masks of a vector's flags. */
template <class T>
DEVICE u32 flag_mask(u32 flags, int i) {
  if (sizeof(T) == 2) return ((flags >> i) & 0x00010001u) * 0xffffu;
  return 0u - ((flags >> i) & 1u);
}

/** The first `count` of the entries that are flagged. */
template <class T>
DEVICE u32 first_flags(u32 flags, int count) {
  for (int surplus = __popc(flags) - count; surplus > 0; surplus--) {
    const int last = 31 - __clz(static_cast<int>(sizeof(T) == 2 ? (flags | flags >> 16) & 0xffffu : flags));
    const bool upper = sizeof(T) == 2 && (flags >> (last + 16) & 1u) != 0;
    flags &= ~(1u << (upper ? last + 16 : last));
  }
  return flags;
}

/** Shares out `cut.ties` entries of key cut.above - 1, the first ones of the row. Every thread of the warp must call. */
template <class Team>
DEVICE Ties share_ties(const u32 (&row)[VECTORS][WORDS], int vectors, const Cut& cut, Exchange<Team>& exchange) {
  using T = typename Team::T;
  // Counts of a vector's LANES · N entries fit into so many bits; a word holds several.
  constexpr int BITS = Team::LANES * Team::N >= 256 ? 10 : 8, IN_WORD = 32 / BITS, COUNTS = (VECTORS + IN_WORD - 1) / IN_WORD;
  u32 flags[VECTORS / FLAGGED<T>] = {}, counts[COUNTS] = {};
  const u32 equal = key_word<T>(cut.above - 1);
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v >= vectors) break;
    u32 found = 0;
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
      const u32 bit = sizeof(T) == 2 ? 0x00010001u << i : 1u << i;
      found |= of_key<T>(row[v][i], equal) & bit;
    }
    flags[v / FLAGGED<T>] |= found << (4 * (v % FLAGGED<T>));
    counts[v / IN_WORD] |= static_cast<u32>(__popc(found)) << (BITS * (v % IN_WORD));
  }
#pragma unroll
  for (int c = 0; c < COUNTS; c++) {
    if (Team::LANES == 32) counts[c] = warp_count(counts[c]);
    else
#pragma unroll
      for (int step = Team::LANES / 2; step > 0; step >>= 1) counts[c] += __shfl_xor_sync(FULL_WARP, counts[c], step);
  }
  int left = cut.ties;
  if (Team::WARPS > 1) {
    u32 mine = 0;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) mine += counts[v / IN_WORD] >> (BITS * (v % IN_WORD)) & ((1u << BITS) - 1);
    const u32* all = exchange.all(mine);
    for (int warp = 0; warp < warp_index(); warp++) left -= static_cast<int>(all[warp]);
    left = max(left, 0);
  }
  int whole = 0;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    const int here = static_cast<int>(counts[v / IN_WORD] >> (BITS * (v % IN_WORD)) & ((1u << BITS) - 1));
    if (whole != v || here > left) continue;
    left -= here;
    whole = v + 1;
  }
  const u32 of_whole = whole < FLAGGED<T> ? flags[0] : flags[VECTORS / FLAGGED<T> - 1];
  const u32 mine = whole < VECTORS ? of_whole >> (4 * (whole % FLAGGED<T>)) & FLAGS<T> : 0;
  int before = __popc(mine);
#pragma unroll
  for (int step = 1; step < Team::LANES; step <<= 1) {
    const int other = __shfl_up_sync(FULL_WARP, before, step, Team::LANES);
    if ((lane_index() & (Team::LANES - 1)) >= step) before += other;
  }
  before -= __popc(mine);
  return {whole, first_flags<T>(mine, min(__popc(mine), max(left - before, 0)))};
}
