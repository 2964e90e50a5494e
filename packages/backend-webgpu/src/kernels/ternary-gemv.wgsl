//! ternary-gemv with nothing but core WebGPU: two sums of 16 bits a number, one multiplication for both. See
//! ternary-gemv-sums.wgsl.
//#include "ternary-gemv-sums.wgsl"

/// What a lane adds up: pairs of bytes 0 and 2, and of bytes 1 and 3, of each of the four fields.
struct Team {
  sums: Sums,
  values: i32,
  even: vec4u,
  odd: vec4u,
}

fn add_word(team: ptr<function, Team>, value: u32, word: u32) {
  let fields = vec4u(word) >> vec4u(0u, 2u, 4u, 6u);
  (*team).even += value * (fields & vec4u(0x00030003u));
  (*team).odd += value * ((fields >> vec4u(8u)) & vec4u(0x00030003u));
  (*team).values += bitcast<i32>(value);
}

fn add_four(team: ptr<function, Team>, four: vec4u, words: vec4u) {
  add_word(team, four.x, words.x);
  add_word(team, four.y, words.y);
  add_word(team, four.z, words.z);
  add_word(team, four.w, words.w);
}

/// At most FEW_ENTRIES entries after the last time.
fn end_few(team: ptr<function, Team>) {
  let even = bitcast<vec4i>((*team).even);
  let odd = bitcast<vec4i>((*team).odd);
  let byte_0 = (even << vec4u(16u)) >> vec4u(16u);
  let byte_1 = (odd << vec4u(16u)) >> vec4u(16u);
  let byte_2 = (even - byte_0) >> vec4u(16u);
  let byte_3 = (odd - byte_1) >> vec4u(16u);
  (*team).sums.a += vec4i(byte_0.x, byte_1.x, byte_2.x, byte_3.x);
  (*team).sums.b += vec4i(byte_0.y, byte_1.y, byte_2.y, byte_3.y);
  (*team).sums.c += vec4i(byte_0.z, byte_1.z, byte_2.z, byte_3.z);
  (*team).sums.d += vec4i(byte_0.w, byte_1.w, byte_2.w, byte_3.w);
  (*team).even = vec4u();
  (*team).odd = vec4u();
}

@compute @workgroup_size(lanes * slots)
fn ternary_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  product(group.x + group.y * groups.x, lane);
}
