//! sparsify and its kin for rows of vectors of four where barriers are slow: an invocation has a row. h lies in y on
//! the way, unless it is x.
//#include "sparsify-outputs.wgsl"
//#include "sparsify-vectors.wgsl"

const LANE_THREADS = 16u;
/// Vectors that are added up one by one.
const TERMS = 16u;

fn largest_given(row: u32) -> u32 {
  var largest = vec4u();
  for (var i = 0u; i < arguments.width / 4u; i++) {
    largest = max(largest, magnitudes_of(given(row, i)));
  }
  return largest_component(largest);
}

/// The sum of squares of a row's entries, lowered ones where they are `huge`.
fn squares(row: u32, huge: bool) -> f32 {
  let length = arguments.width / 4u;
  var sum = 0.0;
  for (var i = 0u; i < length; i += TERMS) {
    var four = vec4f();
    for (var j = i; j < min(i + TERMS, length); j++) {
      var h = given(row, j);
      if (huge) {
        h = lowered_vector(h);
      }
      four += h * h;
    }
    sum += (four.x + four.y) + (four.z + four.w);
  }
  return sum;
}

/// After h was written.
fn value(row: u32, i: u32) -> vec4f {
  if (gated == 0u && !with_norm) {
    return given(row, i);
  }
  return y[arguments.y_at + row * (arguments.width / 4u) + i];
}

@compute @workgroup_size(LANE_THREADS)
fn sparsify_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * LANE_THREADS + lane;
  if (row >= arguments.rows) {
    return;
  }
  let length = arguments.width / 4u;
  let first = arguments.y_at + row * length;
  var inverse = 1.0;
  if (with_norm) {
    let largest = largest_given(row);
    if (largest >= NOT_FINITE) {
      inverse_rms[arguments.inverse_rms_at + row] = broken_inverse(largest);
      for (var i = 0u; i < length; i++) {
        y[first + i] = broken_vector(given(row, i), i, largest);
      }
      return;
    }
    let mean = squares(row, largest >= HUGE) / f32(arguments.width);
    inverse = inverse_of(largest, mean, arguments.epsilon);
    inverse_rms[arguments.inverse_rms_at + row] = inverse;
  }
  var sums = vec4f();
  var all_largest = vec4u();
  for (var i = 0u; i < length; i++) {
    var h = given(row, i);
    if (with_norm) {
      h *= inverse;
      if (with_weight) {
        h *= weight[arguments.weight_at + i];
      }
    }
    if (with_norm || gated != 0u || output == EVERYTHING) {
      y[first + i] = h;
    }
    sums += abs(h);
    all_largest = max(all_largest, magnitudes_of(h));
  }
  if (output == EVERYTHING) {
    return;
  }
  let largest = largest_component(all_largest);
  if (largest >= NOT_FINITE) {
    for (var i = 0u; i < length; i++) {
      y[first + i] = vec4f(nan_from(largest));
    }
    return;
  }
  var cut = Cut(0u, 0u);
  if (arguments.keep < arguments.width) {
    let mean = ((sums.x + sums.y) + (sums.z + sums.w)) / f32(arguments.width);
    var search = search_begin(arguments.width, arguments.keep, largest, mean);
    while (search.open) {
      var counts = vec4u();
      for (var i = 0u; i < length; i++) {
        counts += select(vec4u(0u), vec4u(1u), magnitudes_of(value(row, i)) >= vec4u(search.pivot));
      }
      search = search_step(search, (counts.x + counts.y) + (counts.z + counts.w), arguments.keep);
    }
    cut = Cut(search.high, arguments.width);
    if (search.ties == 0u) {
      cut.bound = 0u;
    } else if (must_break_ties(search)) {
      var left = search.ties;
      for (var i = 0u; left > 0u && i < length; i++) {
        let equal = magnitudes_of(value(row, i)) == vec4u(search.high - 1u);
        for (var j = 0u; j < 4u; j++) {
          if (left > 0u && equal[j]) {
            left -= 1u;
            cut.bound = 4u * i + j + 1u;
          }
        }
      }
    }
  }
  let levels = levels_of(largest);
  for (var i = 0u; i < length; i++) {
    let h = value(row, i);
    y[first + i] = written_vector(h, cut, i, levels);
  }
}
