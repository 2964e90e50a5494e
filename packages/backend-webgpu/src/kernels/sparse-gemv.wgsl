//! sparse-gemv for weights that lie anywhere: a lane has one output. See sparse-gemv-sums.wgsl.
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
@group(0) @binding(4) var<storage, read> w: array<u32>;
@group(0) @binding(5) var<storage, read> scales: array<f32>;
@group(0) @binding(6) var<storage, read> add: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;

fn weights_at(channel: u32, unit: u32) -> f32 {
  let at = arguments.w_at + channel * arguments.units + unit;
  if (bits == 32u) {
    return bitcast<f32>(w[at]);
  }
  if (bits == 16u) {
    return from_bf16(half_of(w[at / 2u], at));
  }
  return f32(byte_of(w[at / 4u], at));
}

fn add_products(sums: ptr<function, Sums>, entry: vec2u, weight: f32) {
  (*sums).a.x += bitcast<f32>(entry.y) * select(weight, 0.0, entry.x == NO_CHANNEL);
}

fn write_unit(place: Place, unit: u32, sums: Sums) {
  if (!finish) {
    y[arguments.y_at + (place.part * arguments.lists + place.list) * arguments.units + unit] = sums.a.x;
    return;
  }
  var result = sums.a.x;
  if (with_scales) {
    result *= scales[arguments.scales_at + unit];
  }
  let at = place.list * arguments.units + unit;
  if (with_add) {
    result += add[arguments.add_at + at];
  }
  y[arguments.y_at + at] = result;
}

@compute @workgroup_size(lanes * slots)
fn sparse_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  product(group.x + group.y * groups.x, lane);
}
