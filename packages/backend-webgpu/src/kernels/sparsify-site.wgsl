//! What the kernels of sparsify share: what is done to a row and what is written.
//#include "bits.wgsl"
//#include "activations.wgsl"
//#include "cut-search.wgsl"

/// The activation of a gated site, 0 for none: x then has rows of gates and ups side by side.
override gated: u32 = 0u;
override with_norm: bool = false;
override with_weight: bool = false;
/// 0 values, 1 int8 levels, 2 the mask, 3 all values as they are and the rows' largest magnitudes for later launches, 4
/// all values as they are.
override output: u32 = 0u;
/// Rows are parts of longer ones, whose largest magnitudes are given.
override parts_of_rows: bool = false;

const LEVELS = 1u;
const MASK = 2u;
const PREPARED = 3u;
const EVERYTHING = 4u;

/// Int8 levels of a row: its largest magnitude, at least 1e-5, and what a level is.
struct Levels {
  largest: f32,
  step: f32,
}

fn levels_of(magnitude: u32) -> Levels {
  let largest = bitcast<f32>(max(magnitude, 0x3727c5acu)); // the bits of 1e-5
  return Levels(largest, largest / 127.0);
}

/// From this magnitude on, 2^48, sums of squares may overflow; those of numbers divided by 2^80 do not.
const HUGE = 0x57800000u;
const LOWERED = 80u;

/// inverseRms of a row of finite numbers from its mean of squares; that of huge ones is of lowered numbers, and leaves
/// nothing of epsilon.
fn inverse_of(largest: u32, mean: f32, epsilon: f32) -> f32 {
  if (largest >= HUGE) {
    return inverseSqrt(mean) * 0x1p-80f;
  }
  return inverseSqrt(mean + epsilon);
}

/// inverseRms of a row that is not finite: NaN with a NaN in it, else 0.
fn broken_inverse(largest: u32) -> f32 {
  return bitcast<f32>(select(0u, largest, largest > NOT_FINITE));
}

/// An entry of such a row, times that, times its weight.
fn broken_entry(h: f32, its_weight: f32, largest: u32) -> f32 {
  let is_zero = largest == NOT_FINITE && is_finite(h) && is_finite(its_weight);
  let zero = (bitcast<u32>(h) ^ bitcast<u32>(its_weight)) & 0x80000000u;
  return bitcast<f32>(select(largest | 0x7fc00000u, zero, is_zero));
}

fn written(h: f32, kept: bool, levels: Levels) -> f32 {
  if (output == MASK) {
    return select(0.0, 1.0, kept);
  }
  if (!kept) {
    return 0.0;
  }
  if (output == LEVELS) {
    return level_number(h, levels.largest) * levels.step;
  }
  return h;
}

/// Which entries a row keeps: magnitudes of at least `above`, and of those that are above - 1 the ones before `bound`.
struct Cut {
  above: u32,
  bound: u32,
}

fn keeps(cut: Cut, magnitude: u32, index: u32) -> bool {
  return magnitude >= cut.above || (magnitude + 1u == cut.above && index < cut.bound);
}

/// Whether it matters which of equal entries stay: zeros are written as zeros either way, but not in a mask.
fn must_break_ties(search: Search) -> bool {
  return search.ties > 0u && (search.high > 1u || output == MASK);
}
