//! permute: every word of y fetches its own of x.
//#include "flat.wgsl"
//#include "permute-source.wgsl"
struct Arguments {
  count: u32,
  size1: u32,
  size2: u32,
  size3: u32,
  size4: u32,
  stride0: u32,
  stride1: u32,
  stride2: u32,
  stride3: u32,
  stride4: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(FLAT_THREADS)
fn permute(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  y[arguments.y_at + i] = x[arguments.x_at + source_of(i)];
}
