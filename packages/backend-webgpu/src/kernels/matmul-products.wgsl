//! The arithmetic of matmul.wgsl and matmul-vec4.wgsl, which say how a, b, add and y are read and written: load_a gives
//! rows m to m+3 as columns over k to k+3, load_b gives rows k to k+3 as columns over n to n+3, zeros outside.
//#include "matmul-place.wgsl"
override transpose_a: bool = false;
override transpose_b: bool = false;
// What y starts from: 0 nothing, 1 add, 2 what it holds.
override begin_with: u32 = 0u;
override tile_m: u32 = 128u;
override tile_n: u32 = 128u;
override tile_k: u32 = 16u;
override threads: u32 = 256u;
// Of direct_product: threads of a workgroup that lie side by side along n.
override across: u32 = 8u;

// Tiles of a, [tile_k][tile_m], and of b, [tile_k][tile_n].
var<workgroup> a_tile: array<vec4f, tile_k * tile_m / 4u>;
var<workgroup> b_tile: array<vec4f, tile_k * tile_n / 4u>;

/** Block `block` of 4 by 4 of the two tiles: a's rows first, then b's. */
fn load_block(block: u32, place: Place, k: u32) -> mat4x4f {
  let k_blocks = tile_k / 4u;
  let a_blocks = tile_m / 4u * k_blocks;
  if (block < a_blocks) {
    let across_k = select(block % k_blocks, block / (tile_m / 4u), transpose_a);
    let across_m = select(block / k_blocks, block % (tile_m / 4u), transpose_a);
    return transpose(load_a(place.matrix, place.tile_m * tile_m + across_m * 4u, k + across_k * 4u));
  }
  let of_b = block - a_blocks;
  let across_k = select(of_b / (tile_n / 4u), of_b % k_blocks, transpose_b);
  let across_n = select(of_b % (tile_n / 4u), of_b / k_blocks, transpose_b);
  return load_b(place.matrix, k + across_k * 4u, place.tile_n * tile_n + across_n * 4u);
}

fn store_block(block: u32, values: mat4x4f) {
  let k_blocks = tile_k / 4u;
  let a_blocks = tile_m / 4u * k_blocks;
  if (block < a_blocks) {
    let across_k = select(block % k_blocks, block / (tile_m / 4u), transpose_a);
    let across_m = select(block / k_blocks, block % (tile_m / 4u), transpose_a);
    let at = across_k * tile_m + across_m;
    a_tile[at] = values[0];
    a_tile[at + tile_m / 4u] = values[1];
    a_tile[at + tile_m / 2u] = values[2];
    a_tile[at + tile_m / 4u * 3u] = values[3];
  } else {
    let of_b = block - a_blocks;
    let across_k = select(of_b / (tile_n / 4u), of_b % k_blocks, transpose_b);
    let across_n = select(of_b % (tile_n / 4u), of_b / k_blocks, transpose_b);
    let at = across_k * tile_n + across_n;
    b_tile[at] = values[0];
    b_tile[at + tile_n / 4u] = values[1];
    b_tile[at + tile_n / 2u] = values[2];
    b_tile[at + tile_n / 4u * 3u] = values[3];
  }
}

/**
 * A tile of tile_m by tile_n a workgroup, 8 by 8 of it a thread; tiles of a and b go through workgroup memory, and the
 * next ones are on their way while these are multiplied. threads = tile_m tile_n / 64; at most two blocks a thread.
 */
fn tiled_product(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index);
  let blocks = (tile_m + tile_n) / 4u * (tile_k / 4u);
  let x = lane % (tile_n / 8u);
  let y = lane / (tile_n / 8u);
  let k_begin = place.split * arguments.k_of_split;
  let k_end = min(arguments.k, k_begin + arguments.k_of_split);
  var sums: array<vec4f, 16>;
  var first = mat4x4f();
  var second = mat4x4f();
  if (lane < blocks) {
    first = load_block(lane, place, k_begin);
  }
  if (lane + threads < blocks) {
    second = load_block(lane + threads, place, k_begin);
  }
  for (var k = k_begin; k < k_end; k += tile_k) {
    workgroupBarrier();
    if (lane < blocks) {
      store_block(lane, first);
    }
    if (lane + threads < blocks) {
      store_block(lane + threads, second);
    }
    workgroupBarrier();
    if (k + tile_k < k_end) {
      if (lane < blocks) {
        first = load_block(lane, place, k + tile_k);
      }
      if (lane + threads < blocks) {
        second = load_block(lane + threads, place, k + tile_k);
      }
    }
    for (var step = 0u; step < tile_k; step++) {
      let upper = a_tile[step * (tile_m / 4u) + y];
      let lower = a_tile[step * (tile_m / 4u) + tile_m / 8u + y];
      let left = b_tile[step * (tile_n / 4u) + x];
      let right = b_tile[step * (tile_n / 4u) + tile_n / 8u + x];
      sums[0] += upper.x * left;
      sums[1] += upper.x * right;
      sums[2] += upper.y * left;
      sums[3] += upper.y * right;
      sums[4] += upper.z * left;
      sums[5] += upper.z * right;
      sums[6] += upper.w * left;
      sums[7] += upper.w * right;
      sums[8] += lower.x * left;
      sums[9] += lower.x * right;
      sums[10] += lower.y * left;
      sums[11] += lower.y * right;
      sums[12] += lower.z * left;
      sums[13] += lower.z * right;
      sums[14] += lower.w * left;
      sums[15] += lower.w * right;
    }
  }
  let row = place.tile_m * tile_m + y * 4u;
  let column = place.tile_n * tile_n + x * 4u;
  let target_matrix = target_of(place);
  store_rows(target_matrix, row, column, sums[0], sums[2], sums[4], sums[6]);
  store_rows(target_matrix, row, column + tile_n / 2u, sums[1], sums[3], sums[5], sums[7]);
  store_rows(target_matrix, row + tile_m / 2u, column, sums[8], sums[10], sums[12], sums[14]);
  store_rows(target_matrix, row + tile_m / 2u, column + tile_n / 2u, sums[9], sums[11], sums[13], sums[15]);
}

fn store_rows(matrix: u32, row: u32, column: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
  store_y(matrix, row, column, first);
  store_y(matrix, row + 1u, column, second);
  store_y(matrix, row + 2u, column, third);
  store_y(matrix, row + 3u, column, fourth);
}

/** 4 by 4 of y a thread, from registers alone: for small products, and where barriers are slow. */
fn direct_product(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index);
  let row = (place.tile_m * (64u / across) + lane / across) * 4u;
  let column = (place.tile_n * across + lane % across) * 4u;
  if (row >= arguments.m || column >= arguments.n) {
    return;
  }
  let k_begin = place.split * arguments.k_of_split;
  let k_end = min(arguments.k, k_begin + arguments.k_of_split);
  var sums = mat4x4f();
  for (var k = k_begin; k < k_end; k += 4u) {
    let a_block = load_a(place.matrix, row, k);
    let b_block = load_b(place.matrix, k, column);
    sums += b_block * a_block;
  }
  store_rows(target_of(place), row, column, sums[0], sums[1], sums[2], sums[3]);
}

const FEW_THREADS: u32 = 256u;
var<workgroup> few_sums: array<vec4f, FEW_THREADS>;
// Of few_product: rows of a, at most 8.
override rows: u32 = 1u;

/**
 * A few rows of a: 4 columns of b a thread and all rows, and the terms of a sum spread over threads. Neighbours along b's
 * rows: 32 times 4 columns and 8 threads along k, or 8 times 4 columns and 32 threads along k where b is transposed.
 */
fn few_product(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index);
  let column_blocks = select(32u, 8u, transpose_b);
  let along_k = FEW_THREADS / column_blocks;
  let column_block = select(lane % 32u, lane / 32u, transpose_b);
  let k_lane = select(lane / 32u, lane % 32u, transpose_b);
  let column = (place.tile_n * column_blocks + column_block) * 4u;
  let k_begin = place.split * arguments.k_of_split;
  let k_end = min(arguments.k, k_begin + arguments.k_of_split);
  var upper = mat4x4f();
  var lower = mat4x4f();
  for (var k = k_begin + k_lane * 4u; k < k_end; k += along_k * 4u) {
    let b_block = load_b(place.matrix, k, column);
    upper += b_block * load_a(place.matrix, 0u, k);
    if (rows > 4u) {
      lower += b_block * load_a(place.matrix, 4u, k);
    }
  }
  for (var row = 0u; row < rows; row++) {
    workgroupBarrier();
    if (row < 4u) {
      few_sums[k_lane * column_blocks + column_block] = upper[row % 4u];
    } else {
      few_sums[k_lane * column_blocks + column_block] = lower[row % 4u];
    }
    workgroupBarrier();
    if (k_lane == 0u) {
      var sum = few_sums[column_block];
      for (var i = 1u; i < along_k; i++) {
        sum += few_sums[i * column_blocks + column_block];
      }
      store_y(target_of(place), row, column, sum);
    }
  }
}
