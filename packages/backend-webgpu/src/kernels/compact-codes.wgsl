//! compact, the int8 levels of listed entries: round(127 x / largest), half to even. An invocation makes one word, since a
//! row of them may begin inside of one.
//#include "flat.wgsl"
//#include "bits.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  keep: u32,
  x_at: u32,
  indices_at: u32,
  count_at: u32,
  largest_at: u32,
  codes_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read> largest: array<f32>;
@group(0) @binding(5) var<storage, read_write> codes: array<u32>;

fn code(place: u32) -> i32 {
  let row = place / arguments.keep;
  let own_largest = largest[arguments.largest_at + row];
  if (place - row * arguments.keep >= count[arguments.count_at + row] || own_largest == 0.0) {
    return 0;
  }
  let entry = x[arguments.x_at + row * arguments.width + indices[arguments.indices_at + place]];
  return i32(clamp(level_number(entry, own_largest), -127.0, 127.0));
}

@compute @workgroup_size(FLAT_THREADS)
fn write_codes(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = arguments.codes_at / 4u + flat_index(group, groups, lane);
  let end = arguments.codes_at + arguments.rows * arguments.keep;
  var bits = 0u;
  var mask = 0u;
  for (var place = 0u; place < 4u; place++) {
    let at = word * 4u + place;
    if (at >= arguments.codes_at && at < end) {
      bits |= (bitcast<u32>(code(at - arguments.codes_at)) & 0xffu) << (place * 8u);
      mask |= 0xffu << (place * 8u);
    }
  }
  if (mask == 0xffffffffu) {
    codes[word] = bits;
  } else if (mask != 0u) {
    codes[word] = (codes[word] & ~mask) | bits;
  }
}
