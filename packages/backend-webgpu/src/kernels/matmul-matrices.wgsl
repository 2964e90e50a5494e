//! y [m, n] = a b in matrix units: operands rounded to f16, sums in f32. A workgroup of four subgroups makes 128 x 128 of
//! y, each 64 x 64; m and n are multiples of 128.
struct Arguments {
  m: u32,
  n: u32,
  k: u32,
  a_row: u32,
  b_row: u32,
  a_at: u32,
  b_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override transpose_a: bool = false;
override transpose_b: bool = false;
/// Whether y is added to.
override accumulate: bool = false;
/// Four subgroups.
override threads: u32 = 128;

const TILE = 128u;
const STEP = 32u;
const PART = 64u;
var<workgroup> tile_a: array<f16, 4096>;
var<workgroup> tile_b: array<f16, 4096>;

/// The tile of this number, in rows of tiles.
fn make_tile(number: u32, lane: u32, subgroup: u32) {
  let across = arguments.n / TILE;
  if (number >= across * (arguments.m / TILE)) {
    return;
  }
  let first_row = (number / across) * TILE;
  let first_column = (number % across) * TILE;
  let row = (subgroup / 2u) * PART;
  let column = (subgroup % 2u) * PART;
  let y_first = arguments.y_at + (first_row + row) * arguments.n + first_column + column;
  var sums: array<array<Sum, SIDE>, SIDE>;
  if (accumulate) {
    for (var i = 0u; i < SIDE; i++) {
      for (var j = 0u; j < SIDE; j++) {
        let at = y_first + i * MATRIX * arguments.n + j * MATRIX;
        sums[i][j] = subgroupMatrixLoad<Sum, row_major>(&y, at, arguments.n);
      }
    }
  }
  for (var first = 0u; first < arguments.k; first += STEP) {
    for (var i = lane; i < TILE * STEP; i += threads) {
      // Along what is contiguous.
      let a_row = select(i / STEP, i % TILE, transpose_a);
      let a_column = select(i % STEP, i / TILE, transpose_a);
      let a_from = select(
        (first_row + a_row) * arguments.a_row + first + a_column,
        (first + a_column) * arguments.a_row + first_row + a_row,
        transpose_a,
      );
      let b_row = select(i / TILE, i % STEP, transpose_b);
      let b_column = select(i % TILE, i / STEP, transpose_b);
      let b_from = select(
        (first + b_row) * arguments.b_row + first_column + b_column,
        (first_column + b_column) * arguments.b_row + first + b_row,
        transpose_b,
      );
      var from_a = 0.0;
      if (first + a_column < arguments.k) {
        from_a = a[arguments.a_at + a_from];
      }
      var from_b = 0.0;
      if (first + b_row < arguments.k) {
        from_b = b[arguments.b_at + b_from];
      }
      tile_a[a_row * STEP + a_column] = f16(from_a);
      tile_b[b_row * TILE + b_column] = f16(from_b);
    }
    workgroupBarrier();
    for (var step = 0u; step < STEP; step += MATRIX) {
      var rights: array<Right, SIDE>;
      for (var j = 0u; j < SIDE; j++) {
        rights[j] = subgroupMatrixLoad<Right, row_major>(&tile_b, step * TILE + column + j * MATRIX, TILE);
      }
      for (var i = 0u; i < SIDE; i++) {
        let left = subgroupMatrixLoad<Left, row_major>(&tile_a, (row + i * MATRIX) * STEP + step, STEP);
        for (var j = 0u; j < SIDE; j++) {
          sums[i][j] = subgroupMatrixMultiplyAccumulate(left, rights[j], sums[i][j]);
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < SIDE; i++) {
    for (var j = 0u; j < SIDE; j++) {
      subgroupMatrixStore<row_major>(&y, y_first + i * MATRIX * arguments.n + j * MATRIX, sums[i][j], arguments.n);
    }
  }
}
