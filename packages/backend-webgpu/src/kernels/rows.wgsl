//! Reductions over a workgroup of `team` invocations, in a fixed order; every invocation gets the result, which counts
//! as uniform. All must call. `lane` is local_invocation_index. rows-subgroups.wgsl has the same functions.

/// Invocations of the workgroup: a multiple of 16.
override team: u32 = 256u;

var<workgroup> team_values: array<u32, team>;
var<workgroup> team_result: u32;
var<workgroup> team_pairs: array<vec2u, team>;
var<workgroup> team_pair: vec2u;

/// A sum and the largest of another number.
struct SumAndLargest {
  sum: f32,
  largest: u32,
}

fn team_sum(value: f32, lane: u32) -> f32 {
  team_values[lane] = bitcast<u32>(value);
  workgroupBarrier();
  var sum = 0.0;
  if (lane < 16u) {
    for (var i = lane; i < team; i += 16u) {
      sum += bitcast<f32>(team_values[i]);
    }
    team_values[lane] = bitcast<u32>(sum);
  }
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 16u; i++) {
      sum += bitcast<f32>(team_values[i]);
    }
    team_result = bitcast<u32>(sum);
  }
  return bitcast<f32>(workgroupUniformLoad(&team_result));
}

fn team_count(value: u32, lane: u32) -> u32 {
  team_values[lane] = value;
  workgroupBarrier();
  var sum = 0u;
  if (lane < 16u) {
    for (var i = lane; i < team; i += 16u) {
      sum += team_values[i];
    }
    team_values[lane] = sum;
  }
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 16u; i++) {
      sum += team_values[i];
    }
    team_result = sum;
  }
  return workgroupUniformLoad(&team_result);
}

fn team_largest(value: u32, lane: u32) -> u32 {
  team_values[lane] = value;
  workgroupBarrier();
  var largest = 0u;
  if (lane < 16u) {
    for (var i = lane; i < team; i += 16u) {
      largest = max(largest, team_values[i]);
    }
    team_values[lane] = largest;
  }
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 16u; i++) {
      largest = max(largest, team_values[i]);
    }
    team_result = largest;
  }
  return workgroupUniformLoad(&team_result);
}

fn team_sum_and_largest(value: f32, other: u32, lane: u32) -> SumAndLargest {
  team_pairs[lane] = vec2u(bitcast<u32>(value), other);
  workgroupBarrier();
  var sum = 0.0;
  var largest = 0u;
  if (lane < 16u) {
    for (var i = lane; i < team; i += 16u) {
      sum += bitcast<f32>(team_pairs[i].x);
      largest = max(largest, team_pairs[i].y);
    }
    team_pairs[lane] = vec2u(bitcast<u32>(sum), largest);
  }
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 16u; i++) {
      sum += bitcast<f32>(team_pairs[i].x);
      largest = max(largest, team_pairs[i].y);
    }
    team_pair = vec2u(bitcast<u32>(sum), largest);
  }
  let both = workgroupUniformLoad(&team_pair);
  return SumAndLargest(bitcast<f32>(both.x), both.y);
}
