//! The gradients of attention with scores that never leave the workgroup. attention-tiles-backward.wgsl and
//! attention-tiles-backward-vec4.wgsl say how the operands are reached.
//#include "attention-tile.wgsl"
//#include "places.wgsl"
//#include "exponentials.wgsl"

/// Of this tile's rows: the logarithm of the sum, dy y, first key, end of keys.
var<workgroup> tile_rows: array<vec4f, TILE>;
var<workgroup> any_seen: u32;

/// Sets tile_rows; whether any of them sees one of the 32 keys from `key` on.
fn load_rows(pair: Pair, row: u32, key: u32, lane: u32) -> bool {
  workgroupBarrier();
  if (lane < TILE) {
    var values = vec4f();
    if (row + lane < rows_of_pair(pair)) {
      values = rows[query_row(pair, row + lane)];
    }
    tile_rows[lane] = values;
  }
  workgroupBarrier();
  if (lane == 0u) {
    any_seen = 0u;
    for (var i = 0u; i < TILE; i++) {
      let begin = max(i32(tile_rows[i].z), i32(key));
      let end = min(i32(tile_rows[i].w), i32(key + TILE));
      if (begin < end) {
        any_seen = 1u;
      }
    }
  }
  return workgroupUniformLoad(&any_seen) == 1u;
}

/// dy v of a tile.
fn products_of(pair: Pair, row: u32, key: u32, lane: u32) -> mat4x4f {
  var products = mat4x4f();
  for (var d = 0u; d < arguments.width; d += 4u * PIECE) {
    workgroupBarrier();
    for (var i = lane; i < TILE * PIECE; i += TILE_THREADS) {
      let own = i / PIECE;
      let column = d + i % PIECE * 4u;
      var of_row = vec4f();
      var of_key = vec4f();
      if (column < arguments.width) {
        if (row + own < rows_of_pair(pair)) {
          of_row = load_dy(query_row(pair, row + own), column);
        }
        if (key + own < arguments.keys) {
          of_key = load_v(key_row(pair, key + own), column);
        }
      }
      staged[slot_of(own) * STRIDE + i % PIECE] = of_row;
      staged[(TILE + slot_of(own)) * STRIDE + i % PIECE] = of_key;
    }
    workgroupBarrier();
    products += staged_products(lane % 8u, lane / 8u);
  }
  return products;
}

fn weights_of_row(scores: vec4f, row: vec4f, key: u32) -> vec4f {
  let shifted = scores - row.x;
  let mask = mask_of(i32(row.z), i32(row.w), key);
  return select(vec4f(), vec4f(exp_of(shifted.x), exp_of(shifted.y), exp_of(shifted.z), exp_of(shifted.w)), mask);
}

/// p, a column for each of this invocation's rows.
fn weights_of(scores: mat4x4f, own: u32, key: u32) -> mat4x4f {
  return mat4x4f(
    weights_of_row(scores[0], tile_rows[own], key),
    weights_of_row(scores[1], tile_rows[own + 1u], key),
    weights_of_row(scores[2], tile_rows[own + 2u], key),
    weights_of_row(scores[3], tile_rows[own + 3u], key),
  );
}

fn gradients_of_row(p: vec4f, products: vec4f, row: vec4f, key: u32) -> vec4f {
  let mask = mask_of(i32(row.z), i32(row.w), key);
  return select(vec4f(), p * (products - row.y) * arguments.scale, mask);
}

/// ds, a column for each of this invocation's rows.
fn gradients_of(p: mat4x4f, products: mat4x4f, own: u32, key: u32) -> mat4x4f {
  return mat4x4f(
    gradients_of_row(p[0], products[0], tile_rows[own], key),
    gradients_of_row(p[1], products[1], tile_rows[own + 1u], key),
    gradients_of_row(p[2], products[2], tile_rows[own + 2u], key),
    gradients_of_row(p[3], products[3], tile_rows[own + 3u], key),
  );
}

fn store_weights(values: mat4x4f, x: u32, own: u32) {
  weights[own * STRIDE + x] = values[0];
  weights[(own + 1u) * STRIDE + x] = values[1];
  weights[(own + 2u) * STRIDE + x] = values[2];
  weights[(own + 3u) * STRIDE + x] = values[3];
}

/// Four columns from `at` on of four staged rows, a column of the matrix for each.
fn staged_columns(at: u32) -> mat4x4f {
  return mat4x4f(staged[at], staged[at + COLUMNS], staged[at + 2u * COLUMNS], staged[at + 3u * COLUMNS]);
}

/// Weights of four rows for four keys y.
fn weights_of_keys(four: u32, y: u32) -> mat4x4f {
  let at = four * 4u * STRIDE + y;
  return transpose(mat4x4f(weights[at], weights[at + STRIDE], weights[at + 2u * STRIDE], weights[at + 3u * STRIDE]));
}

/// dk and dv of 32 keys, in 64 columns.
fn gradients_of_keys(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let x = lane % 8u;
  let y = lane / 8u;
  let own = y * 4u;
  let column_tile = index % arguments.column_tiles;
  let key = index / arguments.column_tiles % arguments.key_tiles * TILE;
  let pair = pair_of(index / arguments.column_tiles / arguments.key_tiles);
  let first_column = column_tile * COLUMNS * 4u;
  // Without a position, the queries before the first key see none of it.
  var first_row = 0u;
  if (!has(HAS_POSITION)) {
    first_row = u32(max(0, i32(key) - i32(arguments.keys - arguments.queries))) * pair.ratio;
  }
  var dk_left = mat4x4f();
  var dk_right = mat4x4f();
  var dv_left = mat4x4f();
  var dv_right = mat4x4f();
  for (var row = first_row; row < rows_of_pair(pair); row += TILE) {
    if (!load_rows(pair, row, key, lane)) {
      continue;
    }
    let p = weights_of(scores_of(pair, row, key, lane), own, key + x * 4u);
    let ds = gradients_of(p, products_of(pair, row, key, lane), own, key + x * 4u);
    workgroupBarrier();
    store_weights(p, x, own);
    for (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {
      let column = first_column + i % COLUMNS * 4u;
      var value = vec4f();
      if (row + i / COLUMNS < rows_of_pair(pair) && column < arguments.width) {
        value = load_dy(query_row(pair, row + i / COLUMNS), column);
      }
      staged[i] = value;
    }
    workgroupBarrier();
    for (var four = 0u; four < TILE / 4u; four++) {
      let of_keys = weights_of_keys(four, y);
      dv_left += staged_columns(four * 4u * COLUMNS + x) * of_keys;
      dv_right += staged_columns(four * 4u * COLUMNS + 8u + x) * of_keys;
    }
    workgroupBarrier();
    store_weights(ds, x, own);
    for (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {
      let column = first_column + i % COLUMNS * 4u;
      var value = vec4f();
      if (row + i / COLUMNS < rows_of_pair(pair) && column < arguments.width) {
        value = load_q(query_row(pair, row + i / COLUMNS), column);
      }
      staged[i] = value;
    }
    workgroupBarrier();
    for (var four = 0u; four < TILE / 4u; four++) {
      let of_keys = weights_of_keys(four, y);
      dk_left += staged_columns(four * 4u * COLUMNS + x) * of_keys;
      dk_right += staged_columns(four * 4u * COLUMNS + 8u + x) * of_keys;
    }
  }
  let column = first_column + x * 4u;
  for (var i = 0u; i < 4u && key + own + i < arguments.keys; i++) {
    let to = key_row(pair, key + own + i);
    if (column < arguments.width) {
      store_dx(to, column, dk_left[i]);
      store_dv(to, column, dv_left[i]);
    }
    if (column + 32u < arguments.width) {
      store_dx(to, column + 32u, dk_right[i]);
      store_dv(to, column + 32u, dv_right[i]);
    }
  }
}

/// dq of 32 rows, in 64 columns.
fn gradients_of_queries(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let x = lane % 8u;
  let own = lane / 8u * 4u;
  let column_tile = index % arguments.column_tiles;
  let row = index / arguments.column_tiles % arguments.row_tiles * TILE;
  let pair = pair_of(index / arguments.column_tiles / arguments.row_tiles);
  let first_column = column_tile * COLUMNS * 4u;
  var end = arguments.keys;
  if (!has(HAS_POSITION)) {
    end = min(end, arguments.keys - arguments.queries + (row + TILE - 1u) / pair.ratio + 1u);
  }
  var left = mat4x4f();
  var right = mat4x4f();
  for (var key = 0u; key < end; key += TILE) {
    if (!load_rows(pair, row, key, lane)) {
      continue;
    }
    let p = weights_of(scores_of(pair, row, key, lane), own, key + x * 4u);
    let ds = gradients_of(p, products_of(pair, row, key, lane), own, key + x * 4u);
    workgroupBarrier();
    store_weights(ds, x, own);
    for (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {
      let at = key + i / COLUMNS;
      let column = first_column + i % COLUMNS * 4u;
      var value = vec4f();
      if (at < arguments.keys && column < arguments.width) {
        value = load_k(key_row(pair, at), column);
      }
      staged[i] = value;
    }
    workgroupBarrier();
    for (var four = 0u; four < TILE / 4u; four++) {
      let of_rows = mat4x4f(
        weights[own * STRIDE + four],
        weights[(own + 1u) * STRIDE + four],
        weights[(own + 2u) * STRIDE + four],
        weights[(own + 3u) * STRIDE + four],
      );
      left += staged_columns(four * 4u * COLUMNS + x) * of_rows;
      right += staged_columns(four * 4u * COLUMNS + 8u + x) * of_rows;
    }
  }
  let column = first_column + x * 4u;
  for (var i = 0u; i < 4u && row + own + i < rows_of_pair(pair); i++) {
    let to = query_row(pair, row + own + i);
    if (column < arguments.width) {
      store_dx(to, column, left[i]);
    }
    if (column + 32u < arguments.width) {
      store_dx(to, column + 32u, right[i]);
    }
  }
}
