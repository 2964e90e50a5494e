//! kv-append: new tokens' keys or values go to their places in a cache; those outside of it are skipped. Words, so that
//! every number stays as it is.
//#include "flat.wgsl"
//#include "places.wgsl"
struct Arguments {
  count: u32,
  // Elements of a token, tokens of a row of the batch, and places of one in the cache.
  width: u32,
  tokens: u32,
  length: u32,
  // The places, of all rows together, that are bound.
  first: u32,
  bound: u32,
  // As in places.wgsl.
  places: u32,
  cache_at: u32,
  x_at: u32,
  position_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> cache: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;
@group(0) @binding(3) var<storage, read> position: array<i32>;

@compute @workgroup_size(FLAT_THREADS)
fn kv_append(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let row = i / arguments.width;
  let batch = row / arguments.tokens;
  let token = i32(row % arguments.tokens);
  let start = position[arguments.position_at + select(0u, batch, has(HAS_EACH))];
  if (start < -token || start >= i32(arguments.length) - token) {
    return;
  }
  let place = batch * arguments.length + u32(start + token);
  if (place < arguments.first || place - arguments.first >= arguments.bound) {
    return;
  }
  cache[arguments.cache_at + (place - arguments.first) * arguments.width + i % arguments.width] = x[arguments.x_at + i];
}
