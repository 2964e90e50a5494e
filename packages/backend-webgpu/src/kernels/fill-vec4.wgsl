//! fill: one pattern in every vector of four words.
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  pattern: u32,
  into_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> into: array<vec4u>;

@compute @workgroup_size(FLAT_THREADS)
fn fill(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let at = arguments.into_at + i;
  into[at] = vec4u(arguments.pattern);
}
