//! The selection of sparsify inside short blocks: an invocation writes one entry, and counts how many of its block come
//! before it, by magnitude and then by index. h is prepared, and so are the largest magnitudes of its rows.
//#include "flat.wgsl"
//#include "sparsify-site.wgsl"
struct Arguments {
  count: u32,
  width: u32,
  block: u32,
  keep: u32,
  h_at: u32,
  row_largest_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> row_largest: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(FLAT_THREADS)
fn sparsify_blocks(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let largest = row_largest[arguments.row_largest_at + i / arguments.width];
  if (largest >= NOT_FINITE) {
    y[arguments.y_at + i] = nan_from(largest);
    return;
  }
  let own = h[arguments.h_at + i];
  let magnitude = magnitude_of(own);
  let first = i - i % arguments.block;
  var ahead = 0u;
  for (var j = first; j < first + arguments.block; j++) {
    let other = magnitude_of(h[arguments.h_at + j]);
    ahead += select(0u, 1u, other > magnitude || (other == magnitude && j < i));
  }
  y[arguments.y_at + i] = written(own, ahead < arguments.keep, levels_of(largest));
}
