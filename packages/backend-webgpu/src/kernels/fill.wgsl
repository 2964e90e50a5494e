//! fill: one pattern in every word; of the first and the last one only the bits of a mask change.
//#include "flat.wgsl"
struct Arguments {
  count: u32,
  pattern: u32,
  first_mask: u32,
  last_mask: u32,
  into_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> into: array<u32>;

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
  var mask = 0xffffffffu;
  if (i == 0u) {
    mask = arguments.first_mask;
  }
  if (i == arguments.count - 1u) {
    mask &= arguments.last_mask;
  }
  if (mask == 0xffffffffu) {
    into[at] = arguments.pattern;
  } else {
    into[at] = (into[at] & ~mask) | (arguments.pattern & mask);
  }
}
