//! The arithmetic of attention-scores.wgsl and attention-scores-vec4.wgsl, which say how q, k, dy and v are read: 4 queries
//! by 4 keys an invocation, from registers alone.
//#include "attention-seen.wgsl"
//#include "exponentials.wgsl"
//#include "flat.wgsl"

struct Block {
  // Number among the pairs of this launch, and of q's row (b, t, h) = q_row + t * heads.
  pair: u32,
  batch: u32,
  head: u32,
  group: u32,
  t: u32,
  j: u32,
}

fn block_of(index: u32) -> Block {
  let key_blocks = arguments.padded_keys / 4u;
  let query_blocks = arguments.padded_queries / 4u;
  let pair = index / (key_blocks * query_blocks);
  let ratio = arguments.heads / arguments.groups;
  let group = arguments.first_group + pair / ratio;
  return Block(
    pair,
    group / arguments.groups,
    group % arguments.groups * ratio + pair % ratio,
    group % arguments.groups,
    index / key_blocks % query_blocks * 4u,
    index % key_blocks * 4u,
  );
}

fn query_row(block: Block, i: u32) -> u32 {
  let t = min(block.t + i, arguments.queries - 1u);
  return (block.batch * arguments.queries + t) * arguments.heads + block.head;
}

fn key_row(block: Block, i: u32) -> u32 {
  let j = min(block.j + i, arguments.keys - 1u);
  return (block.batch * arguments.keys + j) * arguments.groups + block.group;
}

fn weights_index(block: Block) -> u32 {
  return (block.pair * arguments.padded_queries + block.t) * (arguments.padded_keys / 4u) + block.j / 4u;
}

/// 1 for each of four keys that is seen.
fn mask_of(seen: Seen, j: u32) -> vec4<bool> {
  let keys = vec4i(i32(j)) + vec4i(0, 1, 2, 3);
  return (keys >= vec4i(seen.begin)) & (keys < vec4i(seen.end));
}

fn is_seen(seen: Seen, j: u32) -> bool {
  return i32(j) < seen.end && i32(j) + 4 > seen.begin;
}

/// scale q k for the keys that are seen; the rest of the scores is not written.
fn write_scores(index: u32) {
  if (index >= arguments.blocks) {
    return;
  }
  let block = block_of(index);
  let seen0 = seen_of(block.batch, block.t);
  let seen1 = seen_of(block.batch, block.t + 1u);
  let seen2 = seen_of(block.batch, block.t + 2u);
  let seen3 = seen_of(block.batch, block.t + 3u);
  if (!(is_seen(seen0, block.j) || is_seen(seen1, block.j) || is_seen(seen2, block.j) || is_seen(seen3, block.j))) {
    return;
  }
  let q0 = query_row(block, 0u);
  let q1 = query_row(block, 1u);
  let q2 = query_row(block, 2u);
  let q3 = query_row(block, 3u);
  let k0 = key_row(block, 0u);
  let k1 = key_row(block, 1u);
  let k2 = key_row(block, 2u);
  let k3 = key_row(block, 3u);
  var scores = mat4x4f();
  for (var d = 0u; d < arguments.width; d += 4u) {
    let key_block = transpose(mat4x4f(load_k(k0, d), load_k(k1, d), load_k(k2, d), load_k(k3, d)));
    scores += key_block * mat4x4f(load_q(q0, d), load_q(q1, d), load_q(q2, d), load_q(q3, d));
  }
  let at = weights_index(block);
  let row = arguments.padded_keys / 4u;
  weights[at] = scores[0] * arguments.scale;
  weights[at + row] = scores[1] * arguments.scale;
  weights[at + 2u * row] = scores[2] * arguments.scale;
  weights[at + 3u * row] = scores[3] * arguments.scale;
}

/// One query's weights and gradients of its scores.
fn write_gradients(at: u32, scores: vec4f, products: vec4f, seen: Seen, j: u32, row: u32) {
  let mask = mask_of(seen, j);
  let shifted = scores * arguments.scale - rows[arguments.rows_at + 4u * row];
  let p = select(
    vec4f(),
    vec4f(exp_of(shifted.x), exp_of(shifted.y), exp_of(shifted.z), exp_of(shifted.w)),
    mask,
  );
  weights[at] = p;
  let gradients = p * (products - rows[arguments.rows_at + 4u * row + 1u]) * arguments.scale;
  weights[arguments.gradients + at] = select(vec4f(), gradients, mask);
}

/// p and ds for all keys, zeros for those that are not seen.
fn write_weights_and_gradients(index: u32) {
  if (index >= arguments.blocks) {
    return;
  }
  let block = block_of(index);
  let seen0 = seen_of(block.batch, block.t);
  let seen1 = seen_of(block.batch, block.t + 1u);
  let seen2 = seen_of(block.batch, block.t + 2u);
  let seen3 = seen_of(block.batch, block.t + 3u);
  let at = weights_index(block);
  let row = arguments.padded_keys / 4u;
  if (!(is_seen(seen0, block.j) || is_seen(seen1, block.j) || is_seen(seen2, block.j) || is_seen(seen3, block.j))) {
    for (var i = 0u; i < 4u; i++) {
      weights[at + i * row] = vec4f();
      weights[arguments.gradients + at + i * row] = vec4f();
    }
    return;
  }
  let q0 = query_row(block, 0u);
  let q1 = query_row(block, 1u);
  let q2 = query_row(block, 2u);
  let q3 = query_row(block, 3u);
  let k0 = key_row(block, 0u);
  let k1 = key_row(block, 1u);
  let k2 = key_row(block, 2u);
  let k3 = key_row(block, 3u);
  var scores = mat4x4f();
  var products = mat4x4f();
  for (var d = 0u; d < arguments.width; d += 4u) {
    let key_block = transpose(mat4x4f(load_k(k0, d), load_k(k1, d), load_k(k2, d), load_k(k3, d)));
    scores += key_block * mat4x4f(load_q(q0, d), load_q(q1, d), load_q(q2, d), load_q(q3, d));
    let value_block = transpose(mat4x4f(load_v(k0, d), load_v(k1, d), load_v(k2, d), load_v(k3, d)));
    products += value_block * mat4x4f(load_dy(q0, d), load_dy(q1, d), load_dy(q2, d), load_dy(q3, d));
  }
  // A loop, since four copies of four exponentials take long to compile.
  for (var i = 0u; i < 4u; i++) {
    let seen = seen_of(block.batch, block.t + i);
    write_gradients(at + i * row, scores[i], products[i], seen, block.j, query_row(block, i));
  }
}
