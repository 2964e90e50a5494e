//! The end of sparsify-row.wgsl where rows become lists of the entries that are not zero, as compact makes them. The
//! including file brings team_before.
//#include "sparsify-row.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  keep: u32,
  epsilon: f32,
  x_at: u32,
  weight_at: u32,
  indices_at: u32,
  values_at: u32,
  count_at: u32,
  scale_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> values: array<u32>;
@group(0) @binding(5) var<storage, read_write> count: array<u32>;
@group(0) @binding(6) var<storage, read_write> scale: array<f32>;

/// Bits of an index while the code of its value lies above them.
const INDEX_BITS = 24u;

fn write_inverse(row: u32, inverse: f32) {
}

fn finish_row(row: u32, lane: u32, h: ptr<function, array<vec4f, MOST_VECTORS>>) {
  let list = row * arguments.keep;
  var step = 1.0;
  var finite = true;
  if (output == LEVELS) {
    var own_largest = vec4u();
    for (var v = 0u; v < vectors; v++) {
      own_largest = max(own_largest, magnitudes_of((*h)[v]));
    }
    let magnitude = team_largest(largest_component(own_largest), lane);
    finite = magnitude < NOT_FINITE;
    step = max(bitcast<f32>(select(0u, magnitude, finite)), 1e-5);
    if (lane == 0u) {
      scale[arguments.scale_at + row] = select(nan_from(magnitude), step / 127.0, finite);
    }
  }
  var found = 0u;
  for (var v = 0u; v < vectors; v++) {
    let ones = select(vec4u(0u), vec4u(1u), magnitudes_of((*h)[v]) != vec4u(0u));
    let scan = team_before((ones.x + ones.y) + (ones.z + ones.w), lane);
    let first = found + scan.before;
    let places = first + vec4u(0u, ones.x, ones.x + ones.y, ones.x + ones.y + ones.z);
    let index = 4u * (v * team + lane);
    write_entry(list, ones.x, places.x, index, (*h)[v].x, step, finite);
    write_entry(list, ones.y, places.y, index + 1u, (*h)[v].y, step, finite);
    write_entry(list, ones.z, places.z, index + 2u, (*h)[v].z, step, finite);
    write_entry(list, ones.w, places.w, index + 3u, (*h)[v].w, step, finite);
    found += scan.all;
  }
  found = min(found, arguments.keep);
  for (var place = found + lane; place < arguments.keep; place += team) {
    indices[arguments.indices_at + list + place] = 0u;
    if (output != LEVELS) {
      values[arguments.values_at + list + place] = 0u;
    }
  }
  if (lane == 0u) {
    count[arguments.count_at + row] = found;
  }
  if (output == LEVELS) {
    storageBarrier();
    pack_codes(list, lane);
  }
}

/// An entry of the list, where it is one and has a place.
fn write_entry(list: u32, is_one: u32, of_list: u32, index: u32, value: f32, largest: f32, finite: bool) {
  if (is_one == 0u || of_list >= arguments.keep) {
    return;
  }
  let place = list + of_list;
  if (output != LEVELS) {
    indices[arguments.indices_at + place] = index;
    values[arguments.values_at + place] = bitcast<u32>(value);
    return;
  }
  var code = 0u;
  if (finite) {
    code = bitcast<u32>(i32(clamp(level_number(value, largest), -127.0, 127.0)));
  }
  indices[arguments.indices_at + place] = index | (code << INDEX_BITS);
}

/// The codes of a list into bytes; it begins at a word, and its last word may belong to others too.
fn pack_codes(list: u32, lane: u32) {
  for (var word = lane; 4u * word < arguments.keep; word += team) {
    var bits = 0u;
    var mask = 0u;
    for (var byte = 0u; byte < 4u && 4u * word + byte < arguments.keep; byte++) {
      let at = arguments.indices_at + list + 4u * word + byte;
      let entry = indices[at];
      indices[at] = entry & ((1u << INDEX_BITS) - 1u);
      bits |= (entry >> INDEX_BITS) << (8u * byte);
      mask |= 0xffu << (8u * byte);
    }
    let at = (arguments.values_at + list) / 4u + word;
    if (mask != 0xffffffffu) {
      bits |= values[at] & ~mask;
    }
    values[at] = bits;
  }
}
