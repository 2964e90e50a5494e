//! permute as a batch of transposes of words: for every (i0, i1, i2) x holds a [rows, columns] matrix whose columns are
//! neighbours; y gets its transpose. Through tiles in workgroup memory, so that reads and writes both go along rows.
struct Arguments {
  tiles: u32,
  rows: u32,
  columns: u32,
  row_tiles: u32,
  column_tiles: u32,
  size1: u32,
  size2: u32,
  x_stride: u32,
  x_stride0: u32,
  x_stride1: u32,
  x_stride2: u32,
  y_stride: u32,
  y_stride0: u32,
  y_stride1: u32,
  y_stride2: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

/// The same as in permute.ts.
const SIDE = 32u;
const THREADS = 256u;
/// A column more than SIDE: the words of a column then lie in different banks.
var<workgroup> tile: array<u32, 1056>;

@compute @workgroup_size(THREADS)
fn permute_tiles(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  if (number >= arguments.tiles) {
    return;
  }
  let rest = number / arguments.row_tiles;
  let matrix = rest / arguments.column_tiles;
  let i1 = matrix / arguments.size2;
  let i2 = matrix - i1 * arguments.size2;
  let i0 = i1 / arguments.size1;
  let j1 = i1 - i0 * arguments.size1;
  let x_first = arguments.x_at + i0 * arguments.x_stride0 + j1 * arguments.x_stride1 + i2 * arguments.x_stride2;
  let y_first = arguments.y_at + i0 * arguments.y_stride0 + j1 * arguments.y_stride1 + i2 * arguments.y_stride2;
  let first_row = (number - rest * arguments.row_tiles) * SIDE;
  let first_column = (rest - matrix * arguments.column_tiles) * SIDE;
  let along = lane % SIDE;
  for (var i = lane / SIDE; i < SIDE; i += THREADS / SIDE) {
    let row = first_row + i;
    let column = first_column + along;
    if (row < arguments.rows && column < arguments.columns) {
      tile[i * (SIDE + 1u) + along] = x[x_first + row * arguments.x_stride + column];
    }
  }
  workgroupBarrier();
  for (var i = lane / SIDE; i < SIDE; i += THREADS / SIDE) {
    let row = first_row + along;
    let column = first_column + i;
    if (row < arguments.rows && column < arguments.columns) {
      y[y_first + column * arguments.y_stride + row] = tile[along * (SIDE + 1u) + i];
    }
  }
}
