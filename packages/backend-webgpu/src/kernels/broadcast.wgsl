//! broadcast: y = x[i % period], or x[i / repeats]; `start` is what i begins at.
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  repeats: u32,
  period: u32,
  start: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(FLAT_THREADS)
fn broadcast(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let at = (arguments.start + i) / arguments.repeats;
  y[arguments.y_at + i] = x[arguments.x_at + at % arguments.period];
}
