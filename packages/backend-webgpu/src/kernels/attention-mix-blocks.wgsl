//! The arithmetic of attention-mix.wgsl and attention-mix-vec4.wgsl, which say how x is read and y written: 4 rows by 4
//! columns an invocation, from registers alone. Weights of keys that are not seen are zeros.
//#include "attention-seen.wgsl"
//#include "flat.wgsl"

/// y[t, h] = sum over keys of weights[t, j] x[j, g].
fn write_sums_of_keys(index: u32) {
  if (index >= arguments.blocks) {
    return;
  }
  let column_blocks = (arguments.width + 3u) / 4u;
  let query_blocks = arguments.padded_queries / 4u;
  let d = index % column_blocks * 4u;
  let t = index / column_blocks % query_blocks * 4u;
  let pair = index / column_blocks / query_blocks;
  let ratio = arguments.heads / arguments.groups;
  let group = arguments.first_group + pair / ratio;
  let batch = group / arguments.groups;
  let head = group % arguments.groups * ratio + pair % ratio;
  var begin = i32(arguments.keys);
  var end = 0;
  for (var i = 0u; i < 4u; i++) {
    let seen = seen_of(batch, t + i);
    if (seen.begin < seen.end) {
      begin = min(begin, seen.begin);
      end = max(end, seen.end);
    }
  }
  let row = arguments.padded_keys / 4u;
  let at = arguments.weights_begin + (pair * arguments.padded_queries + t) * row;
  let last = arguments.keys - 1u;
  var sums = mat4x4f();
  for (var j = u32(begin) / 4u * 4u; j < u32(end); j += 4u) {
    let first_row = batch * arguments.keys;
    let x_block = mat4x4f(
      load_x((first_row + j) * arguments.groups + group % arguments.groups, d),
      load_x((first_row + min(j + 1u, last)) * arguments.groups + group % arguments.groups, d),
      load_x((first_row + min(j + 2u, last)) * arguments.groups + group % arguments.groups, d),
      load_x((first_row + min(j + 3u, last)) * arguments.groups + group % arguments.groups, d),
    );
    let place = at + j / 4u;
    sums += x_block * mat4x4f(
      weights[place],
      weights[place + row],
      weights[place + 2u * row],
      weights[place + 3u * row],
    );
  }
  for (var i = 0u; i < min(4u, arguments.queries - t); i++) {
    store_y((batch * arguments.queries + t + i) * arguments.heads + head, d, sums[i]);
  }
}

/// y[j, g] = sum over the group's heads and over queries of weights[t, j] x[t, h].
fn write_sums_of_queries(index: u32) {
  if (index >= arguments.blocks) {
    return;
  }
  let column_blocks = (arguments.width + 3u) / 4u;
  let row = arguments.padded_keys / 4u;
  let d = index % column_blocks * 4u;
  let key_block = index / column_blocks % row;
  let own = index / column_blocks / row;
  let ratio = arguments.heads / arguments.groups;
  let group = arguments.first_group + own;
  let batch = group / arguments.groups;
  let last = arguments.queries - 1u;
  // Without a position, the queries before the first key of the block see none of it.
  var first_query = 0u;
  if (!has(HAS_POSITION)) {
    first_query = u32(max(0, i32(key_block * 4u) - i32(arguments.keys - arguments.queries))) / 4u * 4u;
  }
  var sums = mat4x4f();
  for (var i = 0u; i < ratio; i++) {
    let head = group % arguments.groups * ratio + i;
    let at = arguments.weights_begin + (own * ratio + i) * arguments.padded_queries * row + key_block;
    let x_row = batch * arguments.queries;
    for (var t = first_query; t < arguments.queries; t += 4u) {
      let x_block = mat4x4f(
        load_x((x_row + t) * arguments.heads + head, d),
        load_x((x_row + min(t + 1u, last)) * arguments.heads + head, d),
        load_x((x_row + min(t + 2u, last)) * arguments.heads + head, d),
        load_x((x_row + min(t + 3u, last)) * arguments.heads + head, d),
      );
      let place = at + t * row;
      let weight_block = mat4x4f(
        weights[place],
        weights[place + row],
        weights[place + 2u * row],
        weights[place + 3u * row],
      );
      sums += x_block * transpose(weight_block);
    }
  }
  for (var i = 0u; i < min(4u, arguments.keys - key_block * 4u); i++) {
    store_y((batch * arguments.keys + key_block * 4u + i) * arguments.groups + group % arguments.groups, d, sums[i]);
  }
}
