//! reduce over the leading dimension: x [rows, width] to y [pieces, width] with a result for every `piece` rows of a
//! column, divided by `divisor`; `add` adds to what y holds. An invocation does a piece of a column.
//#include "bits.wgsl"
//#include "flat.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  piece: u32,
  count: u32,
  divisor: f32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
/// The maximum, NaN where there is one, instead of the sum.
override largest: bool = false;
override add: bool = false;

@compute @workgroup_size(FLAT_THREADS)
fn reduce_leading(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let piece = i / arguments.width;
  let column = i - piece * arguments.width;
  let begin = piece * arguments.piece;
  let end = min(begin + arguments.piece, arguments.rows);
  let first = arguments.x_at + column;
  if (largest) {
    var order = 0u;
    for (var row = begin; row < end; row++) {
      order = max(order, order_of(x[first + row * arguments.width]));
    }
    y[arguments.y_at + i] = from_order(order) / arguments.divisor;
    return;
  }
  // Four sums side by side: few terms in a row.
  var four = vec4f();
  for (var row = begin; row < end; row += 4u) {
    four.x += x[first + row * arguments.width];
    if (row + 1u < end) {
      four.y += x[first + (row + 1u) * arguments.width];
    }
    if (row + 2u < end) {
      four.z += x[first + (row + 2u) * arguments.width];
    }
    if (row + 3u < end) {
      four.w += x[first + (row + 3u) * arguments.width];
    }
  }
  let sum = ((four.x + four.y) + (four.z + four.w)) / arguments.divisor;
  if (add) {
    y[arguments.y_at + i] += sum;
  } else {
    y[arguments.y_at + i] = sum;
  }
}
