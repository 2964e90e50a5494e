//! The functions of rows.wgsl with subgroup operations: subgroups of any size, of consecutive invocations.
enable subgroups;

override team: u32 = 256u;
/// The size that no subgroup is below.
override smallest_subgroup: u32 = 4u;

/// A place for each subgroup; a workgroup may hold fewer of them than that.
var<workgroup> team_values: array<u32, (team + smallest_subgroup - 1u) / smallest_subgroup>;
var<workgroup> team_result: u32;
var<workgroup> team_pairs: array<vec2u, (team + smallest_subgroup - 1u) / smallest_subgroup>;
var<workgroup> team_pair: vec2u;

/// A sum and the largest of another number.
struct SumAndLargest {
  sum: f32,
  largest: u32,
}

/// Each subgroup's value to the place of its first invocation; places between, where subgroups are larger, stay 0.
fn gather_places(own: u32, lane: u32) {
  let first = subgroupMin(lane);
  if (lane == first) {
    team_values[first / smallest_subgroup] = own;
  }
  workgroupBarrier();
}

fn team_sum(value: f32, lane: u32) -> f32 {
  gather_places(bitcast<u32>(subgroupAdd(value)), lane);
  if (lane == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {
      sum += bitcast<f32>(team_values[i]);
    }
    team_result = bitcast<u32>(sum);
  }
  return bitcast<f32>(workgroupUniformLoad(&team_result));
}

fn team_count(value: u32, lane: u32) -> u32 {
  gather_places(subgroupAdd(value), lane);
  if (lane == 0u) {
    var sum = 0u;
    for (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {
      sum += team_values[i];
    }
    team_result = sum;
  }
  return workgroupUniformLoad(&team_result);
}

fn team_largest(value: u32, lane: u32) -> u32 {
  gather_places(subgroupMax(value), lane);
  if (lane == 0u) {
    var largest = 0u;
    for (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {
      largest = max(largest, team_values[i]);
    }
    team_result = largest;
  }
  return workgroupUniformLoad(&team_result);
}

fn team_sum_and_largest(value: f32, other: u32, lane: u32) -> SumAndLargest {
  let own = vec2u(bitcast<u32>(subgroupAdd(value)), subgroupMax(other));
  let first = subgroupMin(lane);
  if (lane == first) {
    team_pairs[first / smallest_subgroup] = own;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var sum = 0.0;
    var largest = 0u;
    for (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {
      sum += bitcast<f32>(team_pairs[i].x);
      largest = max(largest, team_pairs[i].y);
    }
    team_pair = vec2u(bitcast<u32>(sum), largest);
  }
  let both = workgroupUniformLoad(&team_pair);
  return SumAndLargest(bitcast<f32>(both.x), both.y);
}
