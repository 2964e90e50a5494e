//! sparse-gemv for channels of whole vectors of 16 bytes: a lane has the outputs of one, 4 of f32, 8 of bf16 or 16 of
//! i8. See sparse-gemv-sums.wgsl.
//#include "sparse-gemv-sums.wgsl"
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
  // Units of a channel.
  units: u32,
  first_part: u32,
  indices_at: u32,
  values_at: u32,
  count_at: u32,
  w_at: u32,
  scales_at: u32,
  add_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<u32>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read> w: array<vec4u>;
@group(0) @binding(5) var<storage, read> scales: array<vec4f>;
@group(0) @binding(6) var<storage, read> add: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

fn weights_at(channel: u32, unit: u32) -> vec4u {
  return w[arguments.w_at + channel * arguments.units + unit];
}

fn add_products(sums: ptr<function, Sums>, entry: vec2u, given: vec4u) {
  let value = bitcast<f32>(entry.y);
  let words = select(given, vec4u(0u), vec4<bool>(entry.x == NO_CHANNEL));
  if (bits == 32u) {
    (*sums).a += value * bitcast<vec4f>(words);
  } else if (bits == 16u) {
    (*sums).a += value * bitcast<vec4f>(words << vec4u(16u));
    (*sums).b += value * bitcast<vec4f>(words & vec4u(0xffff0000u));
  } else {
    let bytes = bitcast<vec4i>(words);
    (*sums).a += value * vec4f((bytes << vec4u(24u)) >> vec4u(24u));
    (*sums).b += value * vec4f((bytes << vec4u(16u)) >> vec4u(24u));
    (*sums).c += value * vec4f((bytes << vec4u(8u)) >> vec4u(24u));
    (*sums).d += value * vec4f(bytes >> vec4u(24u));
  }
}

/// Vector `part` of a unit's outputs.
fn write_vector(place: Place, unit: u32, part: u32, sums: vec4f) {
  let length = arguments.units * parts;
  let column = unit * parts + part;
  if (!finish) {
    y[arguments.y_at + (place.part * arguments.lists + place.list) * length + column] = sums;
    return;
  }
  var result = sums;
  if (with_scales) {
    result *= scales[arguments.scales_at + column];
  }
  if (with_add) {
    result += add[arguments.add_at + place.list * length + column];
  }
  y[arguments.y_at + place.list * length + column] = result;
}

fn write_unit(place: Place, unit: u32, sums: Sums) {
  if (parts == 1u) {
    write_vector(place, unit, 0u, sums.a);
  } else if (parts == 2u) {
    write_vector(place, unit, 0u, vec4f(sums.a.x, sums.b.x, sums.a.y, sums.b.y));
    write_vector(place, unit, 1u, vec4f(sums.a.z, sums.b.z, sums.a.w, sums.b.w));
  } else {
    write_vector(place, unit, 0u, vec4f(sums.a.x, sums.b.x, sums.c.x, sums.d.x));
    write_vector(place, unit, 1u, vec4f(sums.a.y, sums.b.y, sums.c.y, sums.d.y));
    write_vector(place, unit, 2u, vec4f(sums.a.z, sums.b.z, sums.c.z, sums.d.z));
    write_vector(place, unit, 3u, vec4f(sums.a.w, sums.b.w, sums.c.w, sums.d.w));
  }
}

@compute @workgroup_size(lanes * slots)
fn sparse_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  product(group.x + group.y * groups.x, lane);
}
