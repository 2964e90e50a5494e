//! Rotary turns: pairs of a head's numbers turned by a row of a table of (cosine, sine), which `table_pair` reads.
//#include "bits.wgsl"

/// The row of the table for token t, or -1 outside: position + t without leaving the whole numbers.
fn table_row(position: i32, t: u32, length: u32) -> i32 {
  let token = i32(t);
  if (position < -token || position >= i32(length) - token) {
    return -1;
  }
  return position + token;
}

/// The pair (a, b) turned by the angle of pair i in a row of the table; NaN for row -1.
fn turned(pair: vec2f, row: i32, half: u32, i: u32, sign: f32) -> vec2f {
  if (row < 0) {
    return vec2f(nan_from(half));
  }
  let angle = table_pair(u32(row) * half + i);
  let sine = angle.y * sign;
  return vec2f(pair.x * angle.x - pair.y * sine, pair.x * sine + pair.y * angle.x);
}
