//! copy, copy-section, slice: runs of `length` vectors of four words, so far apart in x and in y.
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  length: u32,
  x_stride: u32,
  y_stride: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;

@compute @workgroup_size(FLAT_THREADS)
fn copy_runs(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let run = i / arguments.length;
  let j = i - run * arguments.length;
  y[arguments.y_at + run * arguments.y_stride + j] = x[arguments.x_at + run * arguments.x_stride + j];
}
