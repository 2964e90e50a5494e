//! ternary-gemv: sums of int8 values times weights of 2 bits, exact in any order. A lane has a word of a channel, 16
//! outputs: bits 2j and 2j+1 of byte i are the code (weight + 1) of output 256 block + 64 j + 4 word + i. The including
//! file says how codes are multiplied: 8 channels on their way at a time.
//#include "product-place.wgsl"
//#include "bf16.wgsl"
//#include "bits.wgsl"
struct Arguments {
  // Workgroups, and how they are laid out: tiles of units, then splits of the list, then lists.
  workgroups: u32,
  tiles: u32,
  splits: u32,
  lists: u32,
  // Places of a list.
  keep: u32,
  // Channels of the whole matrix, and those that are bound here.
  inputs: u32,
  first: u32,
  channels: u32,
  // Words of a channel.
  units: u32,
  outputs: u32,
  first_part: u32,
  indices_at: u32,
  values_at: u32,
  count_at: u32,
  scale_at: u32,
  w_at: u32,
  scales_at: u32,
  add_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<u32>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> w: array<u32>;
@group(0) @binding(6) var<storage, read> scales: array<vec4f>;
@group(0) @binding(7) var<storage, read> add: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> y: array<vec4u>;
/// Whether channels begin inside of words.
override unaligned: bool = false;

/// Of a part with an index outside of the matrix: no sum of fewer than 2^24 products is that.
const BROKEN = 0x80000000u;
/// Places of a list between two times that sums of 16 bits are taken apart: 127 * 2 * 128 < 2^15.
const FEW_ENTRIES = 128u;

/// Outputs 4 word .. 4 word + 3 of each run of 64 in a block.
struct Sums {
  a: vec4i,
  b: vec4i,
  c: vec4i,
  d: vec4i,
}

/// Channel in this launch's part of w, and its value; channel 0 and value 0 where there is none.
var<workgroup> entries: array<vec2u, lanes * slots>;
var<workgroup> halves: array<vec4i, 2u * lanes * slots>;
var<workgroup> any_broken: atomic<u32>;

/// An entry, and 1 where its index is outside of the matrix.
fn entry_of(place: Place, j: u32) -> vec3u {
  if (j >= place.end) {
    return vec3u();
  }
  let at = place.list * arguments.keep + j;
  let channel = indices[arguments.indices_at + at];
  let own = channel - arguments.first;
  if (channel >= arguments.inputs || own >= arguments.channels) {
    return vec3u(0u, 0u, select(0u, 1u, channel >= arguments.inputs));
  }
  let byte = arguments.values_at + at;
  return vec3u(own, bitcast<u32>(byte_of(values[byte / 4u], byte)), 0u);
}

fn word_at(channel: u32, unit: u32) -> u32 {
  let at = arguments.w_at + (channel * arguments.units + unit) * 4u;
  if (!unaligned) {
    return w[at / 4u];
  }
  let shift = at % 4u * 8u;
  return (w[at / 4u] >> shift) | (w[at / 4u + 1u] << (32u - shift));
}

/// Two times four entries: all words are asked for before the first is used.
fn add_eight(team: ptr<function, Team>, one: array<vec2u, 4>, two: array<vec2u, 4>, unit: u32) {
  let first = vec4u(word_at(one[0].x, unit), word_at(one[1].x, unit), word_at(one[2].x, unit), word_at(one[3].x, unit));
  let second = vec4u(word_at(two[0].x, unit), word_at(two[1].x, unit), word_at(two[2].x, unit), word_at(two[3].x, unit));
  add_four(team, vec4u(one[0].y, one[1].y, one[2].y, one[3].y), first);
  add_four(team, vec4u(two[0].y, two[1].y, two[2].y, two[3].y), second);
}

fn product(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index, 8u);
  let own_unit = place.unit + lane % lanes;
  let slot = lane / lanes;
  // Lanes past the end of a channel read its last word, and write nothing.
  let unit = min(own_unit, arguments.units - 1u);
  var team = Team();
  var broken = 0u;
  if (staged) {
    let chunk = lanes * slots;
    for (var start = place.begin; start < place.end; start += chunk) {
      workgroupBarrier();
      let own = entry_of(place, start + lane);
      entries[lane] = own.xy;
      if (own.z != 0u) {
        atomicOr(&any_broken, 1u);
      }
      workgroupBarrier();
      let end = min(chunk, place.end - start);
      for (var j = slot * 8u; j < end; j += slots * 8u) {
        let one = array<vec2u, 4>(entries[j], entries[j + 1u], entries[j + 2u], entries[j + 3u]);
        let two = array<vec2u, 4>(entries[j + 4u], entries[j + 5u], entries[j + 6u], entries[j + 7u]);
        add_eight(&team, one, two, unit);
      }
      end_few(&team);
    }
  } else {
    for (var start = place.begin; start < place.end; start += FEW_ENTRIES) {
      for (var j = start; j < min(start + FEW_ENTRIES, place.end); j += 8u) {
        var eight: array<vec2u, 8>;
        for (var i = 0u; i < 8u; i++) {
          let own = entry_of(place, j + i);
          eight[i] = own.xy;
          broken |= own.z;
        }
        let one = array<vec2u, 4>(eight[0], eight[1], eight[2], eight[3]);
        add_eight(&team, one, array<vec2u, 4>(eight[4], eight[5], eight[6], eight[7]), unit);
      }
      end_few(&team);
    }
  }
  // Codes are one more than weights.
  let codes = vec4i(team.values);
  var sums = Sums(team.sums.a - codes, team.sums.b - codes, team.sums.c - codes, team.sums.d - codes);
  if (staged) {
    for (var half = slots / 2u; half > 0u; half /= 2u) {
      let at = lane % (half * lanes) * 4u;
      workgroupBarrier();
      if (slot >= half && slot < 2u * half) {
        halves[at] = sums.a;
        halves[at + 1u] = sums.b;
        halves[at + 2u] = sums.c;
        halves[at + 3u] = sums.d;
      }
      workgroupBarrier();
      if (slot < half) {
        sums.a += halves[at];
        sums.b += halves[at + 1u];
        sums.c += halves[at + 2u];
        sums.d += halves[at + 3u];
      }
    }
    broken = atomicLoad(&any_broken);
  }
  if (slot == 0u && own_unit < arguments.units) {
    write_run(place, own_unit, 0u, sums.a, broken);
    write_run(place, own_unit, 1u, sums.b, broken);
    write_run(place, own_unit, 2u, sums.c, broken);
    write_run(place, own_unit, 3u, sums.d, broken);
  }
}

/// Four outputs of run `run` of the unit's block.
fn write_run(place: Place, unit: u32, run: u32, sums: vec4i, broken: u32) {
  let column = unit / 16u * 64u + run * 16u + unit % 16u;
  if (!finish) {
    // Whole blocks.
    let row = place.part * arguments.lists + place.list;
    let bits = select(bitcast<vec4u>(sums), vec4u(BROKEN), vec4<bool>(broken != 0u));
    y[arguments.y_at + row * arguments.units * 4u + column] = bits;
    return;
  }
  let length = arguments.outputs / 4u;
  if (column >= length) {
    return;
  }
  var result = vec4f(sums) * scale[arguments.scale_at + place.list] * scales[arguments.scales_at + column];
  if (with_add) {
    result += add[arguments.add_at + place.list * length + column];
  }
  let bits = select(bitcast<vec4u>(result), vec4u(NOT_FINITE + broken), vec4<bool>(broken != 0u));
  y[arguments.y_at + place.list * length + column] = bits;
}
