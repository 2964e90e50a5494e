//! ternary-gemv with packed products of four bytes: the codes of four channels are brought side by side. See
//! ternary-gemv-sums.wgsl.
requires packed_4x8_integer_dot_product;
//#include "ternary-gemv-sums.wgsl"

struct Team {
  sums: Sums,
  values: i32,
}

fn dots(codes: vec4u, four: u32) -> vec4i {
  let fields = codes & vec4u(0x03030303u);
  return vec4i(
    dot4I8Packed(fields.x, four),
    dot4I8Packed(fields.y, four),
    dot4I8Packed(fields.z, four),
    dot4I8Packed(fields.w, four),
  );
}

fn add_four(team: ptr<function, Team>, values_of: vec4u, words: vec4u) {
  let four = pack4xU8(values_of);
  // Byte i of each word goes to number i: words 0 and 1, then 2 and 3, then both.
  let even = (words.xz & vec2u(0x00ff00ffu)) | ((words.yw & vec2u(0x00ff00ffu)) << vec2u(8u));
  let odd = ((words.xz >> vec2u(8u)) & vec2u(0x00ff00ffu)) | (words.yw & vec2u(0xff00ff00u));
  let codes = vec4u(
    (even.x & 0xffffu) | (even.y << 16u),
    (odd.x & 0xffffu) | (odd.y << 16u),
    (even.x >> 16u) | (even.y & 0xffff0000u),
    (odd.x >> 16u) | (odd.y & 0xffff0000u),
  );
  (*team).sums.a += dots(codes, four);
  (*team).sums.b += dots(codes >> vec4u(2u), four);
  (*team).sums.c += dots(codes >> vec4u(4u), four);
  (*team).sums.d += dots(codes >> vec4u(6u), four);
  (*team).values += dot4I8Packed(0x01010101u, four);
}

fn end_few(team: ptr<function, Team>) {
}

@compute @workgroup_size(lanes * slots)
fn ternary_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  product(group.x + group.y * groups.x, lane);
}
