//! What attention's tiles share: 32 rows by 32 keys a workgroup of 64, 4 by 4 of it an invocation. A row is a query and one
//! of its group's heads, so that heads share the group's keys; products go over the head in pieces of 32 numbers.

const TILE_THREADS = 64u;
const TILE = 32u;
/// Vectors of a piece of a row, and from one row to the next in workgroup memory.
const PIECE = 8u;
const STRIDE = 9u;
/// Columns of a result that a workgroup has, in vectors.
const COLUMNS = 16u;

/// Rows and keys of products, or 32 rows of 64 columns.
var<workgroup> staged: array<vec4f, 2u * TILE * STRIDE>;
/// A tile of weights, a vector for four keys of a row.
var<workgroup> weights: array<vec4f, TILE * STRIDE>;

/// Numbers of 4 neighbouring rows lie 8 rows apart, so that invocations read from different banks.
fn slot_of(row: u32) -> u32 {
  return row % 4u * 8u + row / 4u;
}

/// Products of this invocation's rows y and keys x from what is staged: a column for each row.
fn staged_products(x: u32, y: u32) -> mat4x4f {
  var products = mat4x4f();
  for (var piece = 0u; piece < PIECE; piece++) {
    let of_rows = mat4x4f(
      staged[y * STRIDE + piece],
      staged[(8u + y) * STRIDE + piece],
      staged[(16u + y) * STRIDE + piece],
      staged[(24u + y) * STRIDE + piece],
    );
    let keys_at = (TILE + x) * STRIDE + piece;
    let of_keys = mat4x4f(
      staged[keys_at],
      staged[keys_at + 8u * STRIDE],
      staged[keys_at + 16u * STRIDE],
      staged[keys_at + 24u * STRIDE],
    );
    products += transpose(of_keys) * of_rows;
  }
  return products;
}

/// Which rows and keys a workgroup works on: rows are numbered t * ratio + head in the group.
struct Pair {
  batch: u32,
  group: u32,
  ratio: u32,
}

fn pair_of(index: u32) -> Pair {
  return Pair(index / arguments.groups, index % arguments.groups, arguments.heads / arguments.groups);
}

fn rows_of_pair(pair: Pair) -> u32 {
  return arguments.queries * pair.ratio;
}

/// Number of a row among all (b, t, h).
fn query_row(pair: Pair, row: u32) -> u32 {
  let t = pair.batch * arguments.queries + row / pair.ratio;
  return t * arguments.heads + pair.group * pair.ratio + row % pair.ratio;
}

fn key_row(pair: Pair, key: u32) -> u32 {
  return (pair.batch * arguments.keys + key) * arguments.groups + pair.group;
}

/// 1 for each of four keys that is seen.
fn mask_of(begin: i32, end: i32, key: u32) -> vec4<bool> {
  let keys = vec4i(i32(key)) + vec4i(0, 1, 2, 3);
  return (keys >= vec4i(begin)) & (keys < vec4i(end));
}

/// scale q k of a tile.
fn scores_of(pair: Pair, row: u32, key: u32, lane: u32) -> mat4x4f {
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
          of_row = load_q(query_row(pair, row + own), column);
        }
        if (key + own < arguments.keys) {
          of_key = load_k(key_row(pair, key + own), column);
        }
      }
      staged[slot_of(own) * STRIDE + i % PIECE] = of_row;
      staged[(TILE + slot_of(own)) * STRIDE + i % PIECE] = of_key;
    }
    workgroupBarrier();
    products += staged_products(lane % 8u, lane / 8u);
  }
  return products * arguments.scale;
}
