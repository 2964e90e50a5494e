//! The search of the cut that keeps `keep` of the largest magnitudes of a row: a few counting passes. Magnitudes are
//! compared as whole numbers, see bits.wgsl. The first pivot comes from the mean, the next ones from the counts; after
//! a few passes every second one halves what is left, so that no row takes more than about 70.

/// Kept are magnitudes of at least `high`, and the first `ties` of those that are high - 1, once it is not `open`.
struct Search {
  /// More than keep magnitudes are at least low, fewer than keep at least high.
  low: u32,
  low_count: u32,
  high: u32,
  high_count: u32,
  /// What to count next: magnitudes of at least that.
  pivot: u32,
  last: f32,
  last_count: u32,
  pass_number: u32,
  ties: u32,
  open: bool,
}

/// For keep < width finite entries whose largest magnitude is `largest`.
fn search_begin(width: u32, keep: u32, largest: u32, mean: f32) -> Search {
  let pivot = clamp(bitcast<u32>(0.9 * mean), 1u, max(largest, 1u));
  return Search(0u, width, largest + 1u, 0u, pivot, 0.0, width, 0u, keep, largest > 0u);
}

/// `count`: how many magnitudes are at least the pivot.
fn search_step(before: Search, count: u32, keep: u32) -> Search {
  var s = before;
  let at = s.pivot;
  if (count == keep) {
    s.high = at;
    s.ties = 0u;
    s.open = false;
    return s;
  }
  if (count > keep) {
    s.low = at;
    s.low_count = count;
  } else {
    s.high = at;
    s.high_count = count;
  }
  if (s.high - s.low == 1u) {
    s.ties = keep - s.high_count;
    s.open = false;
    return s;
  }
  let pivot = bitcast<f32>(at);
  let slope = (pivot - s.last) / (f32(s.last_count) - f32(count));
  let next = pivot + (f32(count) - f32(keep)) * slope;
  let low = bitcast<f32>(s.low);
  let high = bitcast<f32>(s.high);
  let inside = s.low_count - s.high_count;
  s.last = pivot;
  s.last_count = count;
  s.pass_number += 1u;
  var wanted = bitcast<u32>(next);
  if ((inside <= 16u && s.low > 0u) || !(next > low && next < high)) {
    // As if the magnitudes inside were evenly spread: into the gap after the first low_count - keep of them.
    wanted = bitcast<u32>(low + (high - low) * ((f32(s.low_count - keep) + 0.5) / f32(inside + 1u)));
  }
  if (s.pass_number >= 8u && s.pass_number % 2u == 0u) {
    wanted = s.low + (s.high - s.low) / 2u;
  } else if (s.pass_number == 3u && s.low == 0u) {
    // More zeros than are dropped?
    wanted = 1u;
  }
  s.pivot = clamp(wanted, s.low + 1u, s.high - 1u);
  return s;
}
