//! binary: y = a op b. b repeats after `period` elements; `start` is the element of b that belongs to the first one of
//! a.
//#include "flat.wgsl"
//#include "binary-formulas.wgsl"
struct Arguments {
  count: u32,
  period: u32,
  start: u32,
  a_at: u32,
  b_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
/// 0 add, 1 subtract, 2 multiply, 3 divide.
override kind: u32 = 0u;

@compute @workgroup_size(FLAT_THREADS)
fn binary_of(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  var at = arguments.start + i;
  if (at >= arguments.period) {
    at %= arguments.period;
  }
  y[arguments.y_at + i] = binary(kind, a[arguments.a_at + i], b[arguments.b_at + at]);
}
