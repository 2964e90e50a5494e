//! Philox4x32-10: the generator of packages/core/src/philox.ts, word for word.

/// The upper 32 bits of a * b.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let cross = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (cross >> 16u);
}

/// The four words at `offset` blocks after a state (seed low, seed high, stream, counter).
fn philox(state: vec4u, offset: u32) -> vec4u {
  var counter = vec4u(state.w + offset, 0u, state.z, 0u);
  var key = state.xy;
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiply_high(0xd2511f53u, counter.x);
    let high1 = multiply_high(0xcd9e8d57u, counter.z);
    counter = vec4u(
      high1 ^ counter.y ^ key.x,
      0xcd9e8d57u * counter.z,
      high0 ^ counter.w ^ key.y,
      0xd2511f53u * counter.x,
    );
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return counter;
}

/// A number in [0, 1) with 24 bits.
fn uniform_of(word: u32) -> f32 {
  return f32(word >> 8u) * 0x1p-24f;
}
