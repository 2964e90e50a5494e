//! Adds the parts of products of lists (sparse-gemv, ternary-gemv) in order, and finishes them: y = sum * scale of the
//! list * scales + add.
//#include "flat.wgsl"
//#include "bits.wgsl"
struct Arguments {
  lists: u32,
  outputs: u32,
  /// Entries of a list's sums in a part.
  padded: u32,
  parts: u32,
  partial_at: u32,
  scale_at: u32,
  scales_at: u32,
  add_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> partial: array<u32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;
@group(0) @binding(4) var<storage, read> add: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
/// Parts are whole numbers, and lists have a scale.
override whole: bool = false;
override with_scales: bool = false;
override with_add: bool = false;

/// The same as in ternary-gemv-sums.wgsl: of a part with an index outside of the matrix.
const BROKEN = 0x80000000u;

@compute @workgroup_size(FLAT_THREADS)
fn sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.lists * arguments.outputs) {
    return;
  }
  let list = i / arguments.outputs;
  let output = i - list * arguments.outputs;
  let step = arguments.lists * arguments.padded;
  var at = arguments.partial_at + list * arguments.padded + output;
  var total = 0.0;
  var sum_of_wholes = 0u;
  var broken = 0u;
  var left = arguments.parts;
  while (left > 0u) {
    // Four on their way at a time; past the last part the first of the four again, which is not added.
    let b = at + select(0u, step, left > 1u);
    let c = at + select(0u, 2u * step, left > 2u);
    let d = at + select(0u, 3u * step, left > 3u);
    let given = vec4u(partial[at], partial[b], partial[c], partial[d]);
    let four = select(vec4u(0u), given, vec4u(0u, 1u, 2u, 3u) < vec4u(left));
    if (whole) {
      broken |= select(0u, 1u, any(four == vec4u(BROKEN)));
      sum_of_wholes += (four.x + four.y) + (four.z + four.w);
    } else {
      let floats = bitcast<vec4f>(four);
      total += (floats.x + floats.y) + (floats.z + floats.w);
    }
    at += 4u * step;
    left -= min(left, 4u);
  }
  if (whole) {
    total = f32(bitcast<i32>(sum_of_wholes)) * scale[arguments.scale_at + list];
    total = bitcast<f32>(select(bitcast<u32>(total), NOT_FINITE + broken, broken != 0u));
  }
  if (with_scales) {
    total *= scales[arguments.scales_at + output];
  }
  if (with_add) {
    total += add[arguments.add_at + i];
  }
  y[arguments.y_at + i] = total;
}
