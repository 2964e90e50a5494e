//! Some bytes of one word: the edges of what the host writes where WebGPU copies whole words only.
struct Arguments {
  mask: u32,
  value: u32,
  words_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;

@compute @workgroup_size(1)
fn merge_word() {
  let at = arguments.words_at;
  words[at] = (words[at] & ~arguments.mask) | (arguments.value & arguments.mask);
}
