//! Elements that are shorter than the words they lie in: bf16 in halves, i8 in bytes. Elements count from the binding's
//! begin.

/// Number `index` of the two halves of a word.
fn half_of(word: u32, index: u32) -> u32 {
  return (word >> ((index & 1u) * 16u)) & 0xffffu;
}

/// Number `index` of the four bytes of a word, with its sign.
fn byte_of(word: u32, index: u32) -> i32 {
  return i32(word << (24u - (index & 3u) * 8u)) >> 24u;
}

/// The float of bf16 bits.
fn from_bf16(half: u32) -> f32 {
  return bitcast<f32>(half << 16u);
}

/// Both floats of a word of two bf16.
fn unpack_bf16(word: u32) -> vec2f {
  return vec2f(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u));
}

/// The bits of the nearest bf16 to a float of these bits, ties to even; a NaN stays one.
fn to_bf16(bits: u32) -> u32 {
  let nearest = (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
  return select(nearest & 0xffffu, (bits >> 16u) | 0x40u, (bits & 0x7fffffffu) > 0x7f800000u);
}

fn pack_bf16(low: f32, high: f32) -> u32 {
  return to_bf16(bitcast<u32>(low)) | (to_bf16(bitcast<u32>(high)) << 16u);
}
