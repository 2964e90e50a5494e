//! pack-ternary: signs of a matrix, 2 bits each, channel by channel. An invocation makes a word, 16 outputs of a channel
//! (ternary-gemv-sums.wgsl has their places); those side by side have neighbouring channels.
//#include "flat.wgsl"
//#include "bits.wgsl"
//#include "bf16.wgsl"
struct Arguments {
  // Those of w and y that are bound here, and the row of w that belongs to the first of y's words.
  outputs: u32,
  channels: u32,
  // Of a row of w, and the first one of these.
  inputs: u32,
  first: u32,
  // Words of a channel of y, the first one of these, and how many.
  row: u32,
  first_word: u32,
  words: u32,
  w_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
override halves: bool = false;

/// Channels side by side: what they read of a row is one piece, and so is what they write of a channel.
const SIDE = 16u;

fn bits_at(at: u32) -> u32 {
  if (halves) {
    return half_of(w[at / 2u], at) << 16u;
  }
  return w[at];
}

fn code_at(output: u32, channel: u32) -> u32 {
  if (output >= arguments.outputs) {
    return 1u;
  }
  let bits = bits_at(arguments.w_at + output * arguments.inputs + arguments.first + channel);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude == 0u || magnitude > NOT_FINITE) {
    return 1u;
  }
  return select(2u, 0u, bits >= 0x80000000u);
}

@compute @workgroup_size(FLAT_THREADS)
fn pack_ternary(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  let word = i / SIDE % arguments.words;
  let channel = i / (SIDE * arguments.words) * SIDE + i % SIDE;
  if (channel >= arguments.channels) {
    return;
  }
  let output = word / 16u * 256u + word % 16u * 4u;
  var packed = 0u;
  for (var field = 0u; field < 4u; field++) {
    for (var byte = 0u; byte < 4u; byte++) {
      packed |= code_at(output + 64u * field + byte, channel) << (8u * byte + 2u * field);
    }
  }
  y[arguments.y_at / 4u + channel * arguments.row + arguments.first_word + word] = packed;
}
