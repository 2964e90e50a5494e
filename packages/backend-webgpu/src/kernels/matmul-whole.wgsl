//! Matrix products without a test in the loop: m and n are multiples of 4, k of 16, and rows whole vectors of 16 bytes. A
//! workgroup makes 128 by 128 of y, a thread four blocks of 4 by 4; tiles of a and b go through workgroup memory, and the next
//! ones are on their way while these are multiplied.
const TILE: u32 = 128u;
const TILE_K: u32 = 16u;
const VECTORS: u32 = TILE / 4u;
const BLOCKS_K: u32 = TILE_K / 4u;
/// Threads along either side of the tile.
const SIDE: u32 = VECTORS / 2u;
/// Blocks of 4 by 4 of one tile.
const BLOCKS: u32 = VECTORS * BLOCKS_K;
/// Neighbours that write blocks which follow each other along k would meet in one bank: columns are turned by so much a block.
const TURN: u32 = 2u;

//#include "matmul-place.wgsl"
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

override transpose_a: bool = false;
override transpose_b: bool = false;
// What y starts from: 0 nothing, 1 add, 2 what it holds.
override begin_with: u32 = 0u;

/// [k / 4][k % 4][m / 4] and [k / 4][k % 4][n / 4]: constant inner indices need no test of their range.
var<workgroup> a_tile: array<array<array<vec4f, VECTORS>, 4>, BLOCKS_K>;
var<workgroup> b_tile: array<array<array<vec4f, VECTORS>, 4>, BLOCKS_K>;

/// A block of 4 by 4 that an invocation brings: where from, in vectors, and where to.
struct Block {
  of_a: bool,
  at: u32,
  // To the next of its four vectors, and to the same block of the next tile.
  hop: u32,
  step: u32,
  across_k: u32,
  column: u32,
}

/** Block `index` of the two tiles, a's first. Blocks beyond m or n bring what lies before; nobody stores what they give. */
fn block_of(index: u32, place: Place, k: u32) -> Block {
  if (index < BLOCKS) {
    let across_k = select(index % BLOCKS_K, index / VECTORS, transpose_a);
    let across_m = select(index / BLOCKS_K, index % VECTORS, transpose_a);
    let row = arguments.a_row / 4u;
    let first = arguments.a_at + place.matrix * (arguments.a_matrix / 4u);
    let m = min(place.tile_m * TILE + across_m * 4u, arguments.m - 4u);
    let at_k = k + across_k * 4u;
    if (transpose_a) {
      return Block(true, first + at_k * row + m / 4u, row, TILE_K * row, across_k, across_m);
    }
    return Block(true, first + m * row + at_k / 4u, row, BLOCKS_K, across_k, across_m ^ (across_k * TURN));
  }
  let of_b = index - BLOCKS;
  let across_k = select(of_b / VECTORS, of_b % BLOCKS_K, transpose_b);
  let across_n = select(of_b % VECTORS, of_b / BLOCKS_K, transpose_b);
  let row = arguments.b_row / 4u;
  let first = arguments.b_at + place.matrix * (arguments.b_matrix / 4u);
  let n = min(place.tile_n * TILE + across_n * 4u, arguments.n - 4u);
  let at_k = k + across_k * 4u;
  if (transpose_b) {
    return Block(false, first + n * row + at_k / 4u, row, BLOCKS_K, across_k, across_n ^ (across_k * TURN));
  }
  return Block(false, first + at_k * row + n / 4u, row, TILE_K * row, across_k, across_n);
}

fn load_block(block: Block) -> mat4x4f {
  let at = block.at;
  let hop = block.hop;
  if (block.of_a) {
    return mat4x4f(a[at], a[at + hop], a[at + 2u * hop], a[at + 3u * hop]);
  }
  return mat4x4f(b[at], b[at + hop], b[at + 2u * hop], b[at + 3u * hop]);
}

fn store_block(block: Block, loaded: mat4x4f) {
  let at = block.across_k;
  var values = loaded;
  if (select(transpose_b, !transpose_a, block.of_a)) {
    values = transpose(loaded);
  }
  if (block.of_a) {
    a_tile[at][0][block.column] = values[0];
    a_tile[at][1][block.column] = values[1];
    a_tile[at][2][block.column] = values[2];
    a_tile[at][3][block.column] = values[3];
    return;
  }
  b_tile[at][0][block.column] = values[0];
  b_tile[at][1][block.column] = values[1];
  b_tile[at][2][block.column] = values[2];
  b_tile[at][3][block.column] = values[3];
}

/// 4 rows of y by 8 columns.
struct Sums {
  left: mat4x4f,
  right: mat4x4f,
}

fn add_products(sums: ptr<function, Sums>, rows: vec4f, left: vec4f, right: vec4f) {
  (*sums).left[0] = fma(vec4f(rows.x), left, (*sums).left[0]);
  (*sums).left[1] = fma(vec4f(rows.y), left, (*sums).left[1]);
  (*sums).left[2] = fma(vec4f(rows.z), left, (*sums).left[2]);
  (*sums).left[3] = fma(vec4f(rows.w), left, (*sums).left[3]);
  (*sums).right[0] = fma(vec4f(rows.x), right, (*sums).right[0]);
  (*sums).right[1] = fma(vec4f(rows.y), right, (*sums).right[1]);
  (*sums).right[2] = fma(vec4f(rows.z), right, (*sums).right[2]);
  (*sums).right[3] = fma(vec4f(rows.w), right, (*sums).right[3]);
}

fn store_sums(matrix: u32, row: u32, column: u32, sums: mat4x4f) {
  store_y(matrix, row, column, sums[0]);
  store_y(matrix, row + 1u, column, sums[1]);
  store_y(matrix, row + 2u, column, sums[2]);
  store_y(matrix, row + 3u, column, sums[3]);
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

@compute @workgroup_size(256)
fn whole(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  let index = group.x + group.y * groups.x;
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index);
  let k_begin = place.split * arguments.k_of_split;
  let k_end = min(arguments.k, k_begin + arguments.k_of_split);
  // 32 neighbours make a piece of 8 by 4 blocks: what they read is 8 and 4 vectors side by side.
  let x = lane / 32u % (SIDE / 8u) * 8u + lane % 8u;
  let y_place = lane / 32u / (SIDE / 8u) * 4u + lane % 32u / 8u;
  var brought = block_of(lane, place, k_begin);
  var values = mat4x4f();
  if (k_begin < k_end) {
    values = load_block(brought);
  }
  var upper = Sums();
  var lower = Sums();
  for (var k = k_begin; k < k_end; k += TILE_K) {
    workgroupBarrier();
    store_block(brought, values);
    workgroupBarrier();
    if (k + TILE_K < k_end) {
      brought.at += brought.step;
      values = load_block(brought);
    }
    for (var block = 0u; block < BLOCKS_K; block++) {
      let row = y_place ^ select(block * TURN, 0u, transpose_a);
      let column = x ^ select(0u, block * TURN, transpose_b);
      let left_0 = b_tile[block][0][column];
      let right_0 = b_tile[block][0][column + SIDE];
      add_products(&upper, a_tile[block][0][row], left_0, right_0);
      add_products(&lower, a_tile[block][0][row + SIDE], left_0, right_0);
      let left_1 = b_tile[block][1][column];
      let right_1 = b_tile[block][1][column + SIDE];
      add_products(&upper, a_tile[block][1][row], left_1, right_1);
      add_products(&lower, a_tile[block][1][row + SIDE], left_1, right_1);
      let left_2 = b_tile[block][2][column];
      let right_2 = b_tile[block][2][column + SIDE];
      add_products(&upper, a_tile[block][2][row], left_2, right_2);
      add_products(&lower, a_tile[block][2][row + SIDE], left_2, right_2);
      let left_3 = b_tile[block][3][column];
      let right_3 = b_tile[block][3][column + SIDE];
      add_products(&upper, a_tile[block][3][row], left_3, right_3);
      add_products(&lower, a_tile[block][3][row + SIDE], left_3, right_3);
    }
  }
  let row = place.tile_m * TILE + y_place * 4u;
  let column = place.tile_n * TILE + x * 4u;
  let matrix = target_of(place);
  store_sums(matrix, row, column, upper.left);
  store_sums(matrix, row, column + TILE / 2u, upper.right);
  store_sums(matrix, row + TILE / 2u, column, lower.left);
  store_sums(matrix, row + TILE / 2u, column + TILE / 2u, lower.right);
}
