//! Matrix products where every row of a, b and y is whole vectors of 16 bytes.
//#include "matmul-products.wgsl"
struct Arguments {
  m: u32,
  n: u32,
  k: u32,
  // From one row of the stored matrix to the next, and from one matrix to the next.
  a_row: u32,
  b_row: u32,
  y_row: u32,
  a_matrix: u32,
  b_matrix: u32,
  y_matrix: u32,
  // Tiles of one matrix of y, and all workgroups.
  tiles_m: u32,
  tiles_n: u32,
  workgroups: u32,
  // Parts that k is cut into; each writes a matrix of sums of its own.
  splits: u32,
  k_of_split: u32,
  a_at: u32,
  b_at: u32,
  add_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> add: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

fn load_a(matrix: u32, m: u32, k: u32) -> mat4x4f {
  var block = mat4x4f();
  if (m >= arguments.m || k >= arguments.k) {
    return block;
  }
  let row = arguments.a_row / 4u;
  let first = arguments.a_at + matrix * (arguments.a_matrix / 4u);
  if (transpose_a) {
    let at = first + k * row + m / 4u;
    block[0] = a[at];
    if (k + 3u < arguments.k) {
      block[1] = a[at + row];
      block[2] = a[at + 2u * row];
      block[3] = a[at + 3u * row];
    } else {
      if (k + 1u < arguments.k) {
        block[1] = a[at + row];
      }
      if (k + 2u < arguments.k) {
        block[2] = a[at + 2u * row];
      }
    }
    return transpose(block);
  }
  let at = first + m * row + k / 4u;
  block[0] = a[at];
  if (m + 3u < arguments.m) {
    block[1] = a[at + row];
    block[2] = a[at + 2u * row];
    block[3] = a[at + 3u * row];
  } else {
    if (m + 1u < arguments.m) {
      block[1] = a[at + row];
    }
    if (m + 2u < arguments.m) {
      block[2] = a[at + 2u * row];
    }
  }
  return block;
}

fn load_b(matrix: u32, k: u32, n: u32) -> mat4x4f {
  var block = mat4x4f();
  if (n >= arguments.n || k >= arguments.k) {
    return block;
  }
  let row = arguments.b_row / 4u;
  let first = arguments.b_at + matrix * (arguments.b_matrix / 4u);
  if (transpose_b) {
    let at = first + n * row + k / 4u;
    block[0] = b[at];
    if (n + 3u < arguments.n) {
      block[1] = b[at + row];
      block[2] = b[at + 2u * row];
      block[3] = b[at + 3u * row];
    } else {
      if (n + 1u < arguments.n) {
        block[1] = b[at + row];
      }
      if (n + 2u < arguments.n) {
        block[2] = b[at + 2u * row];
      }
    }
    return transpose(block);
  }
  let at = first + k * row + n / 4u;
  block[0] = b[at];
  if (k + 3u < arguments.k) {
    block[1] = b[at + row];
    block[2] = b[at + 2u * row];
    block[3] = b[at + 3u * row];
  } else {
    if (k + 1u < arguments.k) {
      block[1] = b[at + row];
    }
    if (k + 2u < arguments.k) {
      block[2] = b[at + 2u * row];
    }
  }
  return block;
}

fn store_y(matrix: u32, row: u32, column: u32, sums: vec4f) {
  if (row >= arguments.m || column >= arguments.n) {
    return;
  }
  let at = (matrix * arguments.y_matrix + row * arguments.y_row + column) / 4u;
  var value = sums;
  if (begin_with == 1u) {
    value += add[arguments.add_at + at];
  } else if (begin_with == 2u) {
    value += y[arguments.y_at + at];
  }
  y[arguments.y_at + at] = value;
}

@compute @workgroup_size(threads)
fn tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  tiled_product(group.x + group.y * groups.x, lane);
}

@compute @workgroup_size(64)
fn direct(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  direct_product(group.x + group.y * groups.x, lane);
}

@compute @workgroup_size(FEW_THREADS)
fn few(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  few_product(group.x + group.y * groups.x, lane);
}

/// Four vectors of a or b, `row` apart.
fn four_of_a(at: u32, row: u32) -> mat4x4f {
  return mat4x4f(a[at], a[at + row], a[at + 2u * row], a[at + 3u * row]);
}

fn four_of_b(at: u32, row: u32) -> mat4x4f {
  return mat4x4f(b[at], b[at + row], b[at + 2u * row], b[at + 3u * row]);
}

/// 8 by 8 of y an invocation, from registers alone, without a test in the loop: m and n are multiples of 8, k of 4.
@compute @workgroup_size(64)
fn direct8(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  let index = group.x + group.y * groups.x;
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index);
  let m = (place.tile_m * (64u / across) + lane / across) * 8u;
  let n = (place.tile_n * across + lane % across) * 8u;
  if (m >= arguments.m || n >= arguments.n) {
    return;
  }
  let a_row = arguments.a_row / 4u;
  let b_row = arguments.b_row / 4u;
  // Steps along k, by 4, and to the other half of the rows or columns.
  let a_step = select(1u, 4u * a_row, transpose_a);
  let a_half = select(4u * a_row, 1u, transpose_a);
  let b_step = select(4u * b_row, 1u, transpose_b);
  let b_half = select(1u, 4u * b_row, transpose_b);
  var a_place = arguments.a_at + place.matrix * (arguments.a_matrix / 4u) + select(m * a_row, m / 4u, transpose_a);
  var b_place = arguments.b_at + place.matrix * (arguments.b_matrix / 4u) + select(n / 4u, n * b_row, transpose_b);
  var upper_left = mat4x4f();
  var upper_right = mat4x4f();
  var lower_left = mat4x4f();
  var lower_right = mat4x4f();
  for (var k = 0u; k < arguments.k; k += 4u) {
    var upper = four_of_a(a_place, a_row);
    var lower = four_of_a(a_place + a_half, a_row);
    var left = four_of_b(b_place, b_row);
    var right = four_of_b(b_place + b_half, b_row);
    if (transpose_a) {
      upper = transpose(upper);
      lower = transpose(lower);
    }
    if (transpose_b) {
      left = transpose(left);
      right = transpose(right);
    }
    upper_left += left * upper;
    upper_right += right * upper;
    lower_left += left * lower;
    lower_right += right * lower;
    a_place += a_step;
    b_place += b_step;
  }
  store_rows(place.matrix, m, n, upper_left[0], upper_left[1], upper_left[2], upper_left[3]);
  store_rows(place.matrix, m, n + 4u, upper_right[0], upper_right[1], upper_right[2], upper_right[3]);
  store_rows(place.matrix, m + 4u, n, lower_left[0], lower_left[1], lower_left[2], lower_left[3]);
  store_rows(place.matrix, m + 4u, n + 4u, lower_right[0], lower_right[1], lower_right[2], lower_right[3]);
}
