/**
 * What a Q-Sparse site does to rows in registers: norm or not, search the cut, write what stays as values, int8 levels or
 * a mask. The row comes from `load`, so that a site may compute it. y may be what is loaded: a row is read before it is
 * written. Selections inside short blocks are in sparsify-groups.cuh, all other rows in sparsify-any.cuh.
 */
#pragma once
#include "row-levels.cuh"
#include "row-norm.cuh"
#include "selection.cuh"

/** What is written for entries that stay; for others it is 0. */
enum SiteOutput { VALUES, LEVELS, MASK };

struct Site {
  void* y;
  /** 0: no norm. */
  float* inverse_rms;
  NormWeight weight;
  int rows;
  int width;
  /** 1 to width. */
  int keep;
  SiteOutput output;
  float epsilon;
};

/** NaN, and 1, in every entry of a word. */
template <class T>
constexpr u32 NAN_WORD = sizeof(T) == 2 ? 0x7fc07fc0u : 0x7fc00000u;
template <class T>
constexpr u32 ONE_WORD = sizeof(T) == 2 ? 0x3f803f80u : 0x3f800000u;

/** write(word) of every entry that masks_of(masks, v) keeps, else 0; `poison` makes NaN of everything. */
template <class Team, class Masks, class Write>
DEVICE void write_row(typename Team::T* y, const u32 (&row)[VECTORS][WORDS], const Place& place, u32 poison, Masks masks_of,
                      Write write) {
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v >= place.vectors) break;
    u32 masks[WORDS], words[WORDS];
    masks_of(masks, v);
#pragma unroll
    for (int i = 0; i < WORDS; i++) words[i] = (write(row[v][i]) & masks[i]) | poison;
    store_words<Team>(y, place, v, words);
  }
}
/** The row as values, levels or a mask. `largest`: its largest key. */
template <class Team, class Masks>
DEVICE void write_output(const Site& site, int index, const u32 (&row)[VECTORS][WORDS], const Place& place, int largest,
                         Masks masks_of) {
  using T = typename Team::T;
  T* y = static_cast<T*>(site.y) + static_cast<long long>(index) * site.width;
  const u32 poison = largest >= NOT_FINITE<T> ? NAN_WORD<T> : 0;
  if (site.output == LEVELS) {
    const Levels<T> levels(__uint_as_float(static_cast<u32>(largest) << (sizeof(T) == 2 ? 16 : 0)));
    write_row<Team>(y, row, place, poison, masks_of, [&](u32 word) { return level_word<T>(word, levels); });
  } else {
    const u32 mask = site.output == MASK ? ONE_WORD<T> : 0;
    write_row<Team>(y, row, place, poison, masks_of, [&](u32 word) { return mask ? mask : word; });
  }
}

/** Norms the row where the site does, and gives its largest key. */
template <class Team>
DEVICE int prepare_row(const Site& site, int index, u32 (&row)[VECTORS][WORDS], const Place& place,
                       Exchange<Team>& exchange) {
  if (site.inverse_rms) {
    const float inverse = inverse_rms<Team>(row, place.vectors, site.width, site.epsilon, exchange);
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      if (v >= place.vectors) break;
      norm_words<Team>(row[v], inverse, site.weight, place, v);
    }
    if (is_first(place)) site.inverse_rms[index] = inverse;
  }
  return static_cast<int>(team_largest<Team>(largest_key<Team>(row, place.vectors), exchange));
}

/**
 * load(row, first, place) gives the row whose first entry is `first`; write(index, row, place, largest, masks_of, exchange)
 * takes it normed: masks_of(masks, v) are the entries of vector v that stay, `largest` is its largest key.
 */
template <class Team, class Load, class Write>
DEVICE void select_rows(const Site& site, Load load, Write write) {
  using T = typename Team::T;
  __shared__ u32 slots[2][Team::WARPS];
  Exchange<Team> exchange{slots};
  Hint hint;
  each_row<Team>(site.rows, place_of<Team>(site.width), [&](int index, const Place& place) {
    u32 row[VECTORS][WORDS];
    load(row, static_cast<long long>(index) * site.width, place);
    const int largest = prepare_row<Team>(site, index, row, place, exchange);
    const bool broken = largest >= NOT_FINITE<T>;
    Cut cut{0, 0};
    Ties ties{-1, 0};
    if (site.keep < site.width) {
      cut = find_cut<T, Team::LANES != 32>(site.width, site.keep, largest, !broken, hint, [&](int pivot) {
        return static_cast<int>(team_count<Team>(count_from<Team>(row, place.vectors, pivot), exchange));
      });
      // Which zeros stay shows in a mask alone.
      const bool tied = cut.ties > 0 && !broken && (cut.above > 1 || site.output == MASK);
      if (Team::LANES < 32 ? __any_sync(FULL_WARP, tied) : tied) {
        const Ties shared = share_ties<Team>(row, place.vectors, cut, exchange);
        if (tied) ties = shared;
      }
    }
    const u32 above = key_word<T>(cut.above), equal = key_word<T>(cut.above - 1);
    const auto masks_of = [&](u32(&masks)[WORDS], int v) {
      const u32 bound = v < ties.whole ? equal : above;
#pragma unroll
      for (int i = 0; i < WORDS; i++) masks[i] = from_bound<T>(row[v][i], bound);
      if (v != ties.whole) return;
#pragma unroll
      for (int i = 0; i < WORDS; i++) masks[i] |= flag_mask<T>(ties.flags, i);
    };
    write(index, row, place, largest, masks_of, exchange);
  });
}

/** The same, written as the site says. */
template <class Team, class Load>
DEVICE void sparsify_rows(const Site& site, Load load) {
  select_rows<Team>(site, load, [&](int index, const auto& row, const Place& place, int largest, auto masks_of, auto&) {
    write_output<Team>(site, index, row, place, largest, masks_of);
  });
}
