//! random: numbers of a Philox stream times a factor. Uniform: 24 bits of word i % 4 of block i / 4, in [0, 1). Normal:
//! 2 * the sum of the eight 16-bit halves of block i, less 8 * 65535. Whole numbers but for the last product.
//#include "flat.wgsl"
//#include "philox.wgsl"
struct Arguments {
  count: u32,
  first_block: u32,
  factor: f32,
  into_at: u32,
  state_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> into: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;

fn block(offset: u32) -> vec4u {
  let at = arguments.state_at;
  return philox(vec4u(state[at], state[at + 1u], state[at + 2u], state[at + 3u]), arguments.first_block + offset);
}

/// An invocation makes four numbers.
@compute @workgroup_size(FLAT_THREADS)
fn random_uniform(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i * 4u >= arguments.count) {
    return;
  }
  let words = block(i);
  for (var j = 0u; j < 4u; j++) {
    if (i * 4u + j < arguments.count) {
      into[arguments.into_at + i * 4u + j] = uniform_of(words[j]) * arguments.factor;
    }
  }
}

@compute @workgroup_size(FLAT_THREADS)
fn random_normal(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= arguments.count) {
    return;
  }
  let words = block(i);
  let halves = (words & vec4u(0xffffu)) + (words >> vec4u(16u));
  let sum = i32(halves.x + halves.y + halves.z + halves.w);
  into[arguments.into_at + i] = f32(2 * sum - 8 * 65535) * arguments.factor;
}
