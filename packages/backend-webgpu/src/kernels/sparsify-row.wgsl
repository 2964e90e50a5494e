//! sparsify and its kin for rows of vectors of four: as sparsify.wgsl, but a workgroup keeps its row in registers. The
//! including file brings the reductions, and says what becomes of a row that is ready: finish_row and write_inverse.
//#include "sparsify-vectors.wgsl"

/// Vectors of an invocation, at most; `vectors` of them are used.
const MOST_VECTORS = 16u;
override vectors: u32 = 4u;

fn sparsify_row(row: u32, lane: u32) {
  let length = arguments.width / 4u;
  var h: array<vec4f, MOST_VECTORS>;
  for (var v = 0u; v < vectors; v++) {
    let i = v * team + lane;
    h[v] = vec4f();
    if (i < length) {
      h[v] = given(row, i);
    }
  }
  if (with_norm) {
    var squares = 0.0;
    var own_largest = vec4u();
    for (var v = 0u; v < vectors; v++) {
      squares += dot(h[v], h[v]);
      own_largest = max(own_largest, magnitudes_of(h[v]));
    }
    let of_row = team_sum_and_largest(squares, largest_component(own_largest), lane);
    if (of_row.largest >= NOT_FINITE) {
      if (lane == 0u) {
        write_inverse(row, broken_inverse(of_row.largest));
      }
      for (var v = 0u; v < vectors; v++) {
        let i = v * team + lane;
        if (i < length) {
          h[v] = broken_vector(h[v], i, of_row.largest);
        }
      }
      finish_row(row, lane, &h);
      return;
    }
    var sum = of_row.sum;
    if (of_row.largest >= HUGE) {
      var small = 0.0;
      for (var v = 0u; v < vectors; v++) {
        let low = lowered_vector(h[v]);
        small += dot(low, low);
      }
      sum = team_sum(small, lane);
    }
    let inverse = inverse_of(of_row.largest, sum / f32(arguments.width), arguments.epsilon);
    if (lane == 0u) {
      write_inverse(row, inverse);
    }
    for (var v = 0u; v < vectors; v++) {
      h[v] *= inverse;
      let i = v * team + lane;
      if (with_weight && i < length) {
        h[v] *= weight[arguments.weight_at + i];
      }
    }
  }
  if (output == EVERYTHING) {
    finish_row(row, lane, &h);
    return;
  }
  var own_largest = vec4u();
  for (var v = 0u; v < vectors; v++) {
    own_largest = max(own_largest, magnitudes_of(h[v]));
  }
  let largest = team_largest(largest_component(own_largest), lane);
  if (largest >= NOT_FINITE) {
    for (var v = 0u; v < vectors; v++) {
      if (v * team + lane < length) {
        h[v] = vec4f(nan_from(largest));
      }
    }
    finish_row(row, lane, &h);
    return;
  }
  var cut = Cut(0u, 0u);
  if (arguments.keep < arguments.width) {
    var magnitudes = vec4f();
    for (var v = 0u; v < vectors; v++) {
      magnitudes += abs(h[v]);
    }
    let own_sum = (magnitudes.x + magnitudes.y) + (magnitudes.z + magnitudes.w);
    let mean = team_sum(own_sum, lane) / f32(arguments.width);
    var search = search_begin(arguments.width, arguments.keep, largest, mean);
    while (search.open) {
      var count = 0u;
      for (var v = 0u; v < vectors; v++) {
        count += count_true(magnitudes_of(h[v]) >= vec4u(search.pivot));
      }
      search = search_step(search, team_count(count, lane), arguments.keep);
    }
    cut = Cut(search.high, arguments.width);
    if (search.ties == 0u) {
      cut.bound = 0u;
    } else if (must_break_ties(search)) {
      // The smallest bound with `ties` equal entries before it.
      var below = 0u;
      while (cut.bound - below > 1u) {
        let middle = below + (cut.bound - below) / 2u;
        var count = 0u;
        for (var v = 0u; v < vectors; v++) {
          let index = 4u * (v * team + lane) + vec4u(0u, 1u, 2u, 3u);
          count += count_true((magnitudes_of(h[v]) == vec4u(search.high - 1u)) & (index < vec4u(middle)));
        }
        if (team_count(count, lane) >= search.ties) {
          cut.bound = middle;
        } else {
          below = middle;
        }
      }
    }
  }
  let levels = levels_of(largest);
  for (var v = 0u; v < vectors; v++) {
    let i = v * team + lane;
    if (i < length) {
      h[v] = written_vector(h[v], cut, i, levels);
    }
  }
  finish_row(row, lane, &h);
}
