//! What attention does with single queries, an invocation each: weights from scores, and what its gradient needs of rows.
//#include "attention-seen.wgsl"
//#include "exponentials.wgsl"
//#include "flat.wgsl"
struct Arguments {
  // Invocations.
  count: u32,
  queries: u32,
  keys: u32,
  heads: u32,
  groups: u32,
  width: u32,
  // Rounded up to multiples of 4.
  padded_queries: u32,
  padded_keys: u32,
  // Of the pairs of batch and group: the first one here.
  first_group: u32,
  window: i32,
  // As in places.wgsl.
  places: u32,
  dy_at: u32,
  y_at: u32,
  given_at: u32,
  position_at: u32,
  first_at: u32,
  log_sum_exp_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> given: array<f32>;
@group(0) @binding(4) var<storage, read> position: array<i32>;
@group(0) @binding(5) var<storage, read> first: array<i32>;
@group(0) @binding(6) var<storage, read_write> weights: array<f32>;
@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;

/// So many terms are summed before they join the rest of a long sum.
const TERMS = 64;

/// Scores to weights in place, with zeros for what is not seen, also in rows that only fill up.
@compute @workgroup_size(FLAT_THREADS)
fn weights_of_scores(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_index(group, groups, lane);
  if (index >= arguments.count) {
    return;
  }
  let pair = index / arguments.padded_queries;
  let t = index % arguments.padded_queries;
  let ratio = arguments.heads / arguments.groups;
  let group_number = arguments.first_group + pair / ratio;
  let batch = group_number / arguments.groups;
  let head = group_number % arguments.groups * ratio + pair % ratio;
  let seen = seen_of(batch, t);
  let at = index * arguments.padded_keys;
  let padded = i32(arguments.padded_keys);
  let begin = min(seen.begin, padded);
  let end = max(begin, seen.end);
  var highest = 0u;
  for (var j = begin; j < end; j++) {
    highest = max(highest, order_of(weights[at + u32(j)]));
  }
  let largest = from_order(highest);
  var sum = 0.0;
  for (var block = begin; block < end; block += TERMS) {
    var part = 0.0;
    for (var j = block; j < min(end, block + TERMS); j++) {
      let weight = exp_of(weights[at + u32(j)] - largest);
      weights[at + u32(j)] = weight;
      part += weight;
    }
    sum += part;
  }
  for (var j = 0; j < begin; j++) {
    weights[at + u32(j)] = 0.0;
  }
  for (var j = begin; j < end; j++) {
    weights[at + u32(j)] = weights[at + u32(j)] / sum;
  }
  for (var j = end; j < padded; j++) {
    weights[at + u32(j)] = 0.0;
  }
  if (t < arguments.queries) {
    var result = log_of(sum);
    if (begin < end) {
      result += largest;
    }
    log_sum_exp[arguments.log_sum_exp_at + (batch * arguments.queries + t) * arguments.heads + head] = result;
  }
}

/// Four numbers for each row (b, t, h): the logarithm of its sum, dy y, and from where to where it sees keys.
@compute @workgroup_size(FLAT_THREADS)
fn rows_of_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_index(group, groups, lane);
  if (row >= arguments.count) {
    return;
  }
  var sum = 0.0;
  for (var d = row * arguments.width; d < (row + 1u) * arguments.width; d++) {
    sum += dy[arguments.dy_at + d] * y[arguments.y_at + d];
  }
  let t = row / arguments.heads;
  let seen = seen_of(t / arguments.queries, t % arguments.queries);
  weights[4u * row] = given[arguments.given_at + row];
  weights[4u * row + 1u] = sum;
  weights[4u * row + 2u] = f32(seen.begin);
  weights[4u * row + 3u] = f32(seen.end);
}
