//! sparsify, gated-sparsify, select, quantize-int8 for rows of any length and place: y = h * mask or int8(h) * mask, h
//! = x or act(gate) * up of it, or the RMSNorm of that. A row with NaN or infinity becomes NaN. A workgroup or an
//! invocation has a row; h lies in y on the way, where an invocation reads what it wrote itself.
//#include "rows.wgsl"
//#include "sparsify-site.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  keep: u32,
  parts: u32,
  epsilon: f32,
  x_at: u32,
  weight_at: u32,
  y_at: u32,
  inverse_rms_at: u32,
  row_largest_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> inverse_rms: array<f32>;
/// Of every `parts` rows one number: written where output is 3, else read.
@group(0) @binding(5) var<storage, read_write> row_largest: array<u32>;

const LANE_THREADS = 16u;

/// An invocation's share of a row: entries start, start + step, ..
struct Share {
  row: u32,
  start: u32,
  step: u32,
}

/// Before the norm.
fn given(row: u32, i: u32) -> f32 {
  if (gated == 0u) {
    return x[arguments.x_at + row * arguments.width + i];
  }
  let at = arguments.x_at + 2u * row * arguments.width + i;
  return activation(gated, x[at]) * x[at + arguments.width];
}

/// After prepare.
fn value(row: u32, i: u32) -> f32 {
  if (gated == 0u && !with_norm) {
    return x[arguments.x_at + row * arguments.width + i];
  }
  return y[arguments.y_at + row * arguments.width + i];
}

/// The sum of squares of given entries, lowered ones where they are `huge`, few terms in a row.
fn squares(share: Share, huge: bool) -> f32 {
  var sum = 0.0;
  for (var i = share.start; i < arguments.width; i += 16u * share.step) {
    var four = vec4f();
    for (var j = 0u; j < 16u; j++) {
      let at = i + j * share.step;
      if (at < arguments.width) {
        var h = given(share.row, at);
        if (huge) {
          h = lowered(h, LOWERED);
        }
        four[j & 3u] += h * h;
      }
    }
    sum += (four.x + four.y) + (four.z + four.w);
  }
  return sum;
}

fn largest_given(share: Share) -> u32 {
  var largest = 0u;
  for (var i = share.start; i < arguments.width; i += share.step) {
    largest = max(largest, magnitude_of(given(share.row, i)));
  }
  return largest;
}

/// A row with NaN or infinity, and its inverseRms.
fn write_broken(share: Share, largest: u32) {
  if (share.start == 0u) {
    inverse_rms[arguments.inverse_rms_at + share.row] = broken_inverse(largest);
    if (output == PREPARED) {
      row_largest[arguments.row_largest_at + share.row] = largest;
    }
  }
  if (output != EVERYTHING) {
    write_nan(share, largest);
    return;
  }
  for (var i = share.start; i < arguments.width; i += share.step) {
    var w = 1.0;
    if (with_weight) {
      w = weight[arguments.weight_at + i];
    }
    let h = given(share.row, i);
    y[arguments.y_at + share.row * arguments.width + i] = broken_entry(h, w, largest);
  }
}

struct Magnitudes {
  sum: f32,
  largest: u32,
}

/// Writes h to y where it is not x, and says what is in it.
fn prepare(share: Share, inverse: f32) -> Magnitudes {
  var of_row = Magnitudes(0.0, 0u);
  for (var i = share.start; i < arguments.width; i += share.step) {
    var h = given(share.row, i);
    if (with_norm) {
      h *= inverse;
      if (with_weight) {
        h *= weight[arguments.weight_at + i];
      }
    }
    if (with_norm || gated != 0u || output == PREPARED) {
      y[arguments.y_at + share.row * arguments.width + i] = h;
    }
    of_row.sum += abs(h);
    of_row.largest = max(of_row.largest, magnitude_of(h));
  }
  return of_row;
}

fn count_from(share: Share, pivot: u32) -> u32 {
  var count = 0u;
  for (var i = share.start; i < arguments.width; i += share.step) {
    count += select(0u, 1u, magnitude_of(value(share.row, i)) >= pivot);
  }
  return count;
}

/// Entries of exactly that magnitude before `end`.
fn count_equal(share: Share, magnitude: u32, end: u32) -> u32 {
  var count = 0u;
  for (var i = share.start; i < end; i += share.step) {
    count += select(0u, 1u, magnitude_of(value(share.row, i)) == magnitude);
  }
  return count;
}

fn write_row(share: Share, cut: Cut, levels: Levels) {
  for (var i = share.start; i < arguments.width; i += share.step) {
    let h = value(share.row, i);
    y[arguments.y_at + share.row * arguments.width + i] = written(h, keeps(cut, magnitude_of(h), i), levels);
  }
}

fn write_nan(share: Share, largest: u32) {
  for (var i = share.start; i < arguments.width; i += share.step) {
    y[arguments.y_at + share.row * arguments.width + i] = nan_from(largest);
  }
}

@compute @workgroup_size(team)
fn sparsify(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arguments.rows) {
    return;
  }
  let share = Share(row, lane, team);
  var inverse = 1.0;
  if (with_norm) {
    let largest = team_largest(largest_given(share), lane);
    if (largest >= NOT_FINITE) {
      write_broken(share, largest);
      return;
    }
    let mean = team_sum(squares(share, largest >= HUGE), lane) / f32(arguments.width);
    inverse = inverse_of(largest, mean, arguments.epsilon);
    if (lane == 0u) {
      inverse_rms[arguments.inverse_rms_at + row] = inverse;
    }
  }
  let own = prepare(share, inverse);
  if (output == EVERYTHING) {
    return;
  }
  let top = team_largest(own.largest, lane);
  if (output == PREPARED) {
    if (lane == 0u) {
      row_largest[arguments.row_largest_at + row] = top;
    }
    return;
  }
  var largest = top;
  if (parts_of_rows) {
    largest = team_largest(row_largest[arguments.row_largest_at + row / arguments.parts], lane);
  }
  if (largest >= NOT_FINITE) {
    write_nan(share, largest);
    return;
  }
  var cut = Cut(0u, 0u);
  if (arguments.keep < arguments.width) {
    let mean = team_sum(own.sum, lane) / f32(arguments.width);
    var search = search_begin(arguments.width, arguments.keep, top, mean);
    while (search.open) {
      search = search_step(search, team_count(count_from(share, search.pivot), lane), arguments.keep);
    }
    cut = Cut(search.high, arguments.width);
    if (search.ties == 0u) {
      cut.bound = 0u;
    } else if (must_break_ties(search)) {
      // The smallest bound with `ties` equal entries before it.
      var below = 0u;
      while (cut.bound - below > 1u) {
        let middle = below + (cut.bound - below) / 2u;
        let count = team_count(count_equal(share, search.high - 1u, middle), lane);
        if (count >= search.ties) {
          cut.bound = middle;
        } else {
          below = middle;
        }
      }
    }
  }
  write_row(share, cut, levels_of(largest));
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
  let share = Share(row, 0u, 1u);
  var inverse = 1.0;
  if (with_norm) {
    let largest = largest_given(share);
    if (largest >= NOT_FINITE) {
      write_broken(share, largest);
      return;
    }
    let mean = squares(share, largest >= HUGE) / f32(arguments.width);
    inverse = inverse_of(largest, mean, arguments.epsilon);
    inverse_rms[arguments.inverse_rms_at + row] = inverse;
  }
  let of_row = prepare(share, inverse);
  if (output == EVERYTHING) {
    return;
  }
  if (output == PREPARED) {
    row_largest[arguments.row_largest_at + row] = of_row.largest;
    return;
  }
  var largest = of_row.largest;
  if (parts_of_rows) {
    largest = row_largest[arguments.row_largest_at + row / arguments.parts];
  }
  if (largest >= NOT_FINITE) {
    write_nan(share, largest);
    return;
  }
  var cut = Cut(0u, 0u);
  if (arguments.keep < arguments.width) {
    let mean = of_row.sum / f32(arguments.width);
    var search = search_begin(arguments.width, arguments.keep, of_row.largest, mean);
    while (search.open) {
      search = search_step(search, count_from(share, search.pivot), arguments.keep);
    }
    cut = Cut(search.high, arguments.width);
    if (search.ties == 0u) {
      cut.bound = 0u;
    } else if (must_break_ties(search)) {
      var left = search.ties;
      for (var i = 0u; left > 0u && i < arguments.width; i++) {
        if (magnitude_of(value(row, i)) == search.high - 1u) {
          left -= 1u;
          cut.bound = i + 1u;
        }
      }
    }
  }
  write_row(share, cut, levels_of(largest));
}
