//! Matrix products of any sizes and places: numbers are read and written one at a time.
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
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> add: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

/** Four neighbours of a row, zeros from `length` on. */
fn a_at_most(at: u32, first: u32, length: u32) -> vec4f {
  if (first + 3u < length) {
    return vec4f(a[at], a[at + 1u], a[at + 2u], a[at + 3u]);
  }
  var values = vec4f(a[at], 0.0, 0.0, 0.0);
  if (first + 1u < length) {
    values.y = a[at + 1u];
  }
  if (first + 2u < length) {
    values.z = a[at + 2u];
  }
  return values;
}

fn b_at_most(at: u32, first: u32, length: u32) -> vec4f {
  if (first + 3u < length) {
    return vec4f(b[at], b[at + 1u], b[at + 2u], b[at + 3u]);
  }
  var values = vec4f(b[at], 0.0, 0.0, 0.0);
  if (first + 1u < length) {
    values.y = b[at + 1u];
  }
  if (first + 2u < length) {
    values.z = b[at + 2u];
  }
  return values;
}

fn load_a(matrix: u32, m: u32, k: u32) -> mat4x4f {
  var block = mat4x4f();
  if (m >= arguments.m || k >= arguments.k) {
    return block;
  }
  let row = arguments.a_row;
  let first = arguments.a_at + matrix * arguments.a_matrix;
  let at = first + select(m * row + k, k * row + m, transpose_a);
  let rows = select(arguments.m - m, arguments.k - k, transpose_a);
  let column = select(k, m, transpose_a);
  let length = select(arguments.k, arguments.m, transpose_a);
  block[0] = a_at_most(at, column, length);
  if (rows > 1u) {
    block[1] = a_at_most(at + row, column, length);
  }
  if (rows > 2u) {
    block[2] = a_at_most(at + 2u * row, column, length);
  }
  if (rows > 3u) {
    block[3] = a_at_most(at + 3u * row, column, length);
  }
  if (transpose_a) {
    return transpose(block);
  }
  return block;
}

fn load_b(matrix: u32, k: u32, n: u32) -> mat4x4f {
  var block = mat4x4f();
  if (n >= arguments.n || k >= arguments.k) {
    return block;
  }
  let row = arguments.b_row;
  let first = arguments.b_at + matrix * arguments.b_matrix;
  let at = first + select(k * row + n, n * row + k, transpose_b);
  let rows = select(arguments.k - k, arguments.n - n, transpose_b);
  let column = select(n, k, transpose_b);
  let length = select(arguments.n, arguments.k, transpose_b);
  block[0] = b_at_most(at, column, length);
  if (rows > 1u) {
    block[1] = b_at_most(at + row, column, length);
  }
  if (rows > 2u) {
    block[2] = b_at_most(at + 2u * row, column, length);
  }
  if (rows > 3u) {
    block[3] = b_at_most(at + 3u * row, column, length);
  }
  if (transpose_b) {
    return transpose(block);
  }
  return block;
}

fn store_y(matrix: u32, row: u32, column: u32, sums: vec4f) {
  if (row >= arguments.m) {
    return;
  }
  let at = matrix * arguments.y_matrix + row * arguments.y_row;
  for (var j = 0u; j < 4u && column + j < arguments.n; j++) {
    let place = at + column + j;
    var value = sums[j];
    if (begin_with == 1u) {
      value += add[arguments.add_at + place];
    } else if (begin_with == 2u) {
      value += y[arguments.y_at + place];
    }
    y[arguments.y_at + place] = value;
  }
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
