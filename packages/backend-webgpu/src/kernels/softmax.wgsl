//! softmax: y = softmax(x) over the last dimension, with a causal mask and a window where asked for. A row that sees
//! nothing is zeros. A workgroup a row (`team_row`), or an invocation a row (`single_row`).
//#include "rows.wgsl"
//#include "exponentials.wgsl"
//#include "flat.wgsl"
//#include "places.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  // Rows before the first one here: a large tensor takes several launches.
  first_row: u32,
  queries: u32,
  // Rows of one entry of the batch.
  rows_of_batch: u32,
  // 0 for none.
  window: i32,
  // As in places.wgsl.
  places: u32,
  x_at: u32,
  position_at: u32,
  first_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> position: array<i32>;
@group(0) @binding(3) var<storage, read> first: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
override causal: bool = false;

/// What a position is held within, so that sums with it stay whole numbers of 32 bits.
const FAR = 1 << 30u;

struct Seen {
  begin: u32,
  end: u32,
}

/// The columns that a row sees.
fn seen_of(row: u32) -> Seen {
  let width = i32(arguments.width);
  if (!causal) {
    return Seen(0u, arguments.width);
  }
  let whole = arguments.first_row + row;
  let batch = whole / arguments.rows_of_batch;
  let query = whole % arguments.queries;
  var start = width - i32(arguments.queries);
  if (has(HAS_POSITION)) {
    start = clamp(position[arguments.position_at + select(0u, batch, has(HAS_EACH))], -FAR, FAR);
  }
  let last = start + i32(query);
  let end = clamp(last + 1, 0, width);
  var begin = 0;
  if (arguments.window > 0) {
    begin = max(begin, last - arguments.window + 1);
  }
  if (has(HAS_FIRST)) {
    begin = max(begin, first[arguments.first_at + batch * arguments.queries + query]);
  }
  return Seen(u32(min(begin, end)), u32(end));
}

@compute @workgroup_size(team)
fn team_row(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arguments.rows) {
    return;
  }
  let seen = seen_of(row);
  let x_row = arguments.x_at + row * arguments.width;
  let y_row = arguments.y_at + row * arguments.width;
  var highest = 0u;
  for (var i = seen.begin + lane; i < seen.end; i += team) {
    highest = max(highest, order_of(x[x_row + i]));
  }
  let largest = from_order(team_largest(highest, lane));
  var sum = 0.0;
  for (var i = seen.begin + lane; i < seen.end; i += team) {
    sum += exp_of(x[x_row + i] - largest);
  }
  sum = team_sum(sum, lane);
  for (var i = lane; i < arguments.width; i += team) {
    var value = 0.0;
    if (i >= seen.begin && i < seen.end) {
      value = exp_of(x[x_row + i] - largest) / sum;
    }
    y[y_row + i] = value;
  }
}

/// So many terms are summed before they join the rest of a long sum.
const TERMS = 64u;

@compute @workgroup_size(FLAT_THREADS)
fn single_row(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_index(group, groups, lane);
  if (row >= arguments.rows) {
    return;
  }
  let seen = seen_of(row);
  let x_row = arguments.x_at + row * arguments.width;
  let y_row = arguments.y_at + row * arguments.width;
  var highest = 0u;
  for (var i = seen.begin; i < seen.end; i++) {
    highest = max(highest, order_of(x[x_row + i]));
  }
  let largest = from_order(highest);
  var sum = 0.0;
  for (var block = seen.begin; block < seen.end; block += TERMS) {
    var part = 0.0;
    for (var i = block; i < min(seen.end, block + TERMS); i++) {
      let weight = exp_of(x[x_row + i] - largest);
      y[y_row + i] = weight;
      part += weight;
    }
    sum += part;
  }
  for (var i = 0u; i < seen.begin; i++) {
    y[y_row + i] = 0.0;
  }
  for (var i = seen.begin; i < seen.end; i++) {
    y[y_row + i] = y[y_row + i] / sum;
  }
  for (var i = seen.end; i < arguments.width; i++) {
    y[y_row + i] = 0.0;
  }
}
