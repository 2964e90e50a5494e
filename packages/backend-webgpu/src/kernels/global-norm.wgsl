//! global-norm: the square root of the sum of squares. Squares of numbers that are huge or tiny would leave float32's
//! range, so there are three sums: of numbers above 2^60 times 2^-80, of those below 2^-50 times 2^80, and of the rest.
//! `global_norm` makes a triple of every `piece` elements, `join_norms` one of every `piece` triples or, in the end,
//! the norm.
//#include "bits.wgsl"
//#include "rows.wgsl"
struct Arguments {
  count: u32,
  piece: u32,
  pieces: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const LANE_THREADS = 16u;
/// Terms that a thread adds one by one.
const TERMS = 16u;

/// (huge, usual, tiny)
fn square_of(value: f32) -> vec3f {
  let magnitude = magnitude_of(value);
  let huge = magnitude >= 0x5d800000u;
  let tiny = magnitude < 0x26800000u;
  let tame = value * select(select(1.0, 0x1p80f, tiny), 0x1p-80f, huge);
  let square = tame * tame;
  return vec3f(select(0.0, square, huge), select(square, 0.0, huge || tiny), select(0.0, square, tiny));
}

/// Of elements first, first + step, .. below end.
fn squares_of(first: u32, end: u32, step: u32) -> vec3f {
  var sum = vec3f();
  for (var i = first; i < end; i += TERMS * step) {
    var some = vec3f();
    for (var j = 0u; j < TERMS; j++) {
      let at = i + j * step;
      if (at < end) {
        some += square_of(x[arguments.x_at + at]);
      }
    }
    sum += some;
  }
  return sum;
}

/// Triples first, first + step, .. below end, added up.
fn triples_of(first: u32, end: u32, step: u32) -> vec3f {
  var sum = vec3f();
  for (var i = first; i < end; i += TERMS * step) {
    var some = vec3f();
    for (var j = 0u; j < TERMS; j++) {
      let at = i + j * step;
      if (at < end) {
        let from_at = arguments.x_at + 3u * at;
        some += vec3f(x[from_at], x[from_at + 1u], x[from_at + 2u]);
      }
    }
    sum += some;
  }
  return sum;
}

fn norm_of(sums: vec3f) -> f32 {
  if (magnitude_of(sums.x) != 0u) {
    return root_of(sums.x + lowered(sums.y, 160u)) * 0x1p80f;
  }
  // A number below 2^-50 counts beside usual ones only where these are few and small.
  if (magnitude_of(sums.y) != 0u) {
    return root_of(sums.y + lowered(sums.z, 160u));
  }
  return root_of(sums.z) * 0x1p-80f;
}

fn write_sums(piece: u32, sums: vec3f) {
  let at = arguments.y_at + 3u * piece;
  y[at] = sums.x;
  y[at + 1u] = sums.y;
  y[at + 2u] = sums.z;
}

fn team_sums(sums: vec3f, lane: u32) -> vec3f {
  return vec3f(team_sum(sums.x, lane), team_sum(sums.y, lane), team_sum(sums.z, lane));
}

@compute @workgroup_size(team)
fn global_norm(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let piece = group.x + group.y * groups.x;
  if (piece >= arguments.pieces) {
    return;
  }
  let begin = piece * arguments.piece;
  let sums = team_sums(squares_of(begin + lane, min(begin + arguments.piece, arguments.count), team), lane);
  if (lane == 0u) {
    write_sums(piece, sums);
  }
}

@compute @workgroup_size(LANE_THREADS)
fn global_norm_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let piece = (group.x + group.y * groups.x) * LANE_THREADS + lane;
  if (piece >= arguments.pieces) {
    return;
  }
  let begin = piece * arguments.piece;
  write_sums(piece, squares_of(begin, min(begin + arguments.piece, arguments.count), 1u));
}

@compute @workgroup_size(team)
fn join_norms(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let piece = group.x + group.y * groups.x;
  if (piece >= arguments.pieces) {
    return;
  }
  let begin = piece * arguments.piece;
  let sums = team_sums(triples_of(begin + lane, min(begin + arguments.piece, arguments.count), team), lane);
  if (lane == 0u) {
    if (arguments.pieces == 1u) {
      y[arguments.y_at] = norm_of(sums);
    } else {
      write_sums(piece, sums);
    }
  }
}

@compute @workgroup_size(LANE_THREADS)
fn join_norms_lane(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let piece = (group.x + group.y * groups.x) * LANE_THREADS + lane;
  if (piece >= arguments.pieces) {
    return;
  }
  let begin = piece * arguments.piece;
  let sums = triples_of(begin, min(begin + arguments.piece, arguments.count), 1u);
  if (arguments.pieces == 1u) {
    y[arguments.y_at] = norm_of(sums);
  } else {
    write_sums(piece, sums);
  }
}
