//! Attention with scores that never leave the workgroup: largest score and sum of each row go along with the keys (Dao et
//! al., "FlashAttention", 2022). attention-tiles.wgsl and attention-tiles-vec4.wgsl say how q, k, v and y are reached.
//#include "attention-tile.wgsl"
//#include "attention-seen.wgsl"
//#include "exponentials.wgsl"

var<workgroup> begins: array<i32, TILE>;
var<workgroup> ends: array<i32, TILE>;
var<workgroup> seen_by_any: vec2i;
var<workgroup> largest_of: array<f32, TILE * 8u>;

/// Below every score that is a number.
const LOW = -3.0e38;

/// Sets begins and ends of a tile of rows; the keys that any of them sees.
fn see(pair: Pair, row: u32, lane: u32) -> vec2i {
  if (lane < TILE) {
    var seen = Seen(0, 0);
    if (row + lane < rows_of_pair(pair)) {
      seen = seen_of(pair.batch, (row + lane) / pair.ratio);
    }
    begins[lane] = seen.begin;
    ends[lane] = seen.end;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var all = vec2i(i32(arguments.keys), 0);
    for (var i = 0u; i < TILE; i++) {
      if (begins[i] < ends[i]) {
        all = vec2i(min(all.x, begins[i]), max(all.y, ends[i]));
      }
    }
    seen_by_any = all;
  }
  return workgroupUniformLoad(&seen_by_any);
}

fn weights_of(scores: vec4f, largest: f32, mask: vec4<bool>) -> vec4f {
  let shifted = scores - largest;
  return select(vec4f(), vec4f(exp_of(shifted.x), exp_of(shifted.y), exp_of(shifted.z), exp_of(shifted.w)), mask);
}

fn largest_in(scores: vec4f, mask: vec4<bool>) -> f32 {
  let seen = select(vec4f(LOW), scores, mask);
  return max(max(seen.x, seen.y), max(seen.z, seen.w));
}

fn largest_of_row(row: u32) -> f32 {
  var largest = largest_of[row * 8u];
  for (var i = 1u; i < 8u; i++) {
    largest = max(largest, largest_of[row * 8u + i]);
  }
  return largest;
}

fn attend(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let x = lane % 8u;
  let own = lane / 8u * 4u;
  let split = index % arguments.splits;
  let column_tile = index / arguments.splits % arguments.column_tiles;
  let row = index / arguments.splits / arguments.column_tiles % arguments.row_tiles * TILE;
  let pair = pair_of(index / arguments.splits / arguments.column_tiles / arguments.row_tiles);
  let seen = see(pair, row, lane);
  let begin = max(u32(seen.x), split * arguments.keys_of_split);
  let end = min(u32(seen.y), (split + 1u) * arguments.keys_of_split);
  let own_begin = vec4i(begins[own], begins[own + 1u], begins[own + 2u], begins[own + 3u]);
  let own_end = min(vec4i(ends[own], ends[own + 1u], ends[own + 2u], ends[own + 3u]), vec4i(i32(end)));
  let first_column = column_tile * COLUMNS * 4u;

  var left = mat4x4f();
  var right = mat4x4f();
  var largest = vec4f(LOW);
  var sums = vec4f();
  for (var key = begin; key < end; key += TILE) {
    let scores = scores_of(pair, row, key, lane);
    let mask0 = mask_of(own_begin.x, own_end.x, key + x * 4u);
    let mask1 = mask_of(own_begin.y, own_end.y, key + x * 4u);
    let mask2 = mask_of(own_begin.z, own_end.z, key + x * 4u);
    let mask3 = mask_of(own_begin.w, own_end.w, key + x * 4u);
    largest_of[own * 8u + x] = largest_in(scores[0], mask0);
    largest_of[(own + 1u) * 8u + x] = largest_in(scores[1], mask1);
    largest_of[(own + 2u) * 8u + x] = largest_in(scores[2], mask2);
    largest_of[(own + 3u) * 8u + x] = largest_in(scores[3], mask3);
    workgroupBarrier();
    let next = max(
      largest,
      vec4f(
        largest_of_row(own),
        largest_of_row(own + 1u),
        largest_of_row(own + 2u),
        largest_of_row(own + 3u),
      ),
    );
    let shrink = largest - next;
    let factors = vec4f(exp_of(shrink.x), exp_of(shrink.y), exp_of(shrink.z), exp_of(shrink.w));
    largest = next;
    weights[own * STRIDE + x] = weights_of(scores[0], next.x, mask0);
    weights[(own + 1u) * STRIDE + x] = weights_of(scores[1], next.y, mask1);
    weights[(own + 2u) * STRIDE + x] = weights_of(scores[2], next.z, mask2);
    weights[(own + 3u) * STRIDE + x] = weights_of(scores[3], next.w, mask3);
    for (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {
      let at = key + i / COLUMNS;
      let column = first_column + i % COLUMNS * 4u;
      var value = vec4f();
      if (at < end && column < arguments.width) {
        value = load_v(key_row(pair, at), column);
      }
      staged[i] = value;
    }
    workgroupBarrier();
    sums *= factors;
    left = mat4x4f(left[0] * factors.x, left[1] * factors.y, left[2] * factors.z, left[3] * factors.w);
    right = mat4x4f(right[0] * factors.x, right[1] * factors.y, right[2] * factors.z, right[3] * factors.w);
    for (var four = 0u; four < TILE / 4u; four++) {
      let p = mat4x4f(
        weights[own * STRIDE + four],
        weights[(own + 1u) * STRIDE + four],
        weights[(own + 2u) * STRIDE + four],
        weights[(own + 3u) * STRIDE + four],
      );
      sums += vec4f(1.0) * p;
      let at = four * 4u * COLUMNS + x;
      left += mat4x4f(staged[at], staged[at + COLUMNS], staged[at + 2u * COLUMNS], staged[at + 3u * COLUMNS]) * p;
      right += mat4x4f(
        staged[at + 8u],
        staged[at + COLUMNS + 8u],
        staged[at + 2u * COLUMNS + 8u],
        staged[at + 3u * COLUMNS + 8u],
      ) * p;
    }
  }

  let column = first_column + x * 4u;
  let is_first = x == 0u && column_tile == 0u;
  for (var i = 0u; i < 4u; i++) {
    if (row + own + i >= rows_of_pair(pair)) {
      break;
    }
    let to = query_row(pair, row + own + i);
    if (arguments.splits > 1u) {
      store_part(split, to, column, left[i], right[i]);
      if (is_first) {
        let at = arguments.sums_begin + (split * part_rows() + to) * 2u;
        parts[at] = largest[i];
        parts[at + 1u] = sums[i];
      }
      continue;
    }
    let sees = own_begin[i] < own_end[i];
    if (column < arguments.width) {
      store_y(to, column, select(vec4f(), left[i] / sums[i], sees));
    }
    if (column + 32u < arguments.width) {
      store_y(to, column + 32u, select(vec4f(), right[i] / sums[i], sees));
    }
    if (is_first) {
      log_sum_exp[arguments.log_sum_exp_at + to] = select(0.0, largest[i], sees) + log_of(sums[i]);
    }
  }
}

/// Rows of all parts, and numbers of one.
fn part_rows() -> u32 {
  return arguments.workgroups / (arguments.splits * arguments.column_tiles * arguments.row_tiles)
    / arguments.groups * arguments.queries * arguments.heads;
}

fn store_part(split: u32, row: u32, column: u32, left: vec4f, right: vec4f) {
  let at = (split * part_rows() + row) * arguments.column_tiles * COLUMNS * 4u + column;
  for (var i = 0u; i < 4u; i++) {
    parts[at + i] = left[i];
    parts[at + 32u + i] = right[i];
  }
}
