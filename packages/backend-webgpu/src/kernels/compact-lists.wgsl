//! compact: the entries of each row that are not zero, as a list in ascending order. A workgroup a row: every invocation
//! has a run of it, counts, learns where its first entry goes, and writes. With `levels` it leaves the values to
//! compact-codes.wgsl and writes the rows' scales and largest magnitudes, 0 for a row that is not finite.
//#include "rows.wgsl"
//#include "bits.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  keep: u32,
  x_at: u32,
  indices_at: u32,
  values_at: u32,
  count_at: u32,
  scale_at: u32,
  largest_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> count: array<u32>;
@group(0) @binding(5) var<storage, read_write> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> largest: array<f32>;
override levels: bool = false;

var<workgroup> founds: array<u32, team>;

fn write_entry(place: u32, index: u32, value: f32) {
  indices[arguments.indices_at + place] = index;
  if (!levels) {
    values[arguments.values_at + place] = value;
  }
}

@compute @workgroup_size(team)
fn lists(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arguments.rows) {
    return;
  }
  let at = arguments.x_at + row * arguments.width;
  let run = (arguments.width + team - 1u) / team;
  let begin = min(lane * run, arguments.width);
  let end = min(begin + run, arguments.width);
  var own = 0u;
  var most = 0u;
  for (var i = begin; i < end; i++) {
    let magnitude = magnitude_of(x[at + i]);
    own += select(0u, 1u, magnitude != 0u);
    most = max(most, magnitude);
  }
  founds[lane] = own;
  let magnitude = team_largest(most, lane);
  var place = 0u;
  var all = 0u;
  for (var other = 0u; other < team; other++) {
    if (other < lane) {
      place += founds[other];
    }
    all += founds[other];
  }
  let list = row * arguments.keep;
  let found = min(all, arguments.keep);
  for (var i = begin; i < end && place < found; i++) {
    let entry = x[at + i];
    if (magnitude_of(entry) != 0u) {
      write_entry(list + place, i, entry);
      place++;
    }
  }
  for (var i = found + lane; i < arguments.keep; i += team) {
    write_entry(list + i, 0u, 0.0);
  }
  if (lane == 0u) {
    count[arguments.count_at + row] = found;
    if (levels) {
      let finite = magnitude < NOT_FINITE;
      let own_largest = max(bitcast<f32>(select(0u, magnitude, finite)), 1e-5);
      scale[arguments.scale_at + row] = select(nan_from(magnitude), own_largest / 127.0, finite);
      largest[arguments.largest_at + row] = select(0.0, own_largest, finite);
    }
  }
}
