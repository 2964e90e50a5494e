//! rotary-heads-backward: gradients of queries and keys turned back, those of values, side by side in dx. A pair an
//! invocation.
//#include "flat.wgsl"
//#include "turn.wgsl"
//#include "places.wgsl"
struct Arguments {
  pairs: u32,
  half: u32,
  heads: u32,
  groups: u32,
  tokens: u32,
  length: u32,
  // As in places.wgsl.
  places: u32,
  // Rows before the first one here: a large tensor takes several launches.
  first: u32,
  query_at: u32,
  key_at: u32,
  value_at: u32,
  table_at: u32,
  position_at: u32,
  dx_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> query: array<f32>;
@group(0) @binding(2) var<storage, read> key: array<f32>;
@group(0) @binding(3) var<storage, read> value: array<f32>;
@group(0) @binding(4) var<storage, read> table: array<f32>;
@group(0) @binding(5) var<storage, read> position: array<i32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

fn table_pair(i: u32) -> vec2f {
  let at = arguments.table_at + 2u * i;
  return vec2f(table[at], table[at + 1u]);
}

@compute @workgroup_size(FLAT_THREADS)
fn rotary_heads_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let here = flat_index(group, groups, lane);
  if (here >= arguments.pairs) {
    return;
  }
  let half = arguments.half;
  let i = here % half;
  let heads = arguments.heads;
  let all = heads + 2u * arguments.groups;
  let head = here / half % all;
  let row = here / half / all;
  let to = arguments.dx_at + here / half * 2u * half + i;
  if (head >= heads + arguments.groups) {
    let at = arguments.value_at + (row * arguments.groups + head - heads - arguments.groups) * 2u * half + i;
    dx[to] = value[at];
    dx[to + half] = value[at + half];
    return;
  }
  var pair: vec2f;
  if (head < heads) {
    let at = arguments.query_at + (row * heads + head) * 2u * half + i;
    pair = vec2f(query[at], query[at + half]);
  } else {
    let at = arguments.key_at + (row * arguments.groups + head - heads) * 2u * half + i;
    pair = vec2f(key[at], key[at + half]);
  }
  let whole = arguments.first + row;
  var start = 0;
  if (has(HAS_POSITION)) {
    start = position[arguments.position_at + select(0u, whole / arguments.tokens, has(HAS_EACH))];
  }
  let angles = table_row(start, whole % arguments.tokens, arguments.length);
  let result = turned(pair, angles, half, i, -1.0);
  dx[to] = result.x;
  dx[to + half] = result.y;
}
