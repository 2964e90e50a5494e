//! rope: y = x with each pair of a head turned by its token's row of the table. A pair an invocation.
//#include "flat.wgsl"
//#include "turn.wgsl"
//#include "places.wgsl"
struct Arguments {
  pairs: u32,
  half: u32,
  heads: u32,
  tokens: u32,
  length: u32,
  // Pairs before the first one here: a large tensor takes several launches.
  first: u32,
  sign: f32,
  // As in places.wgsl.
  places: u32,
  // Pairs of one entry of the batch.
  pairs_of_row: u32,
  x_at: u32,
  table_at: u32,
  position_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read> position: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
override interleaved: bool = false;

fn table_pair(i: u32) -> vec2f {
  let at = arguments.table_at + 2u * i;
  return vec2f(table[at], table[at + 1u]);
}

@compute @workgroup_size(FLAT_THREADS)
fn rope(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let here = flat_index(group, groups, lane);
  if (here >= arguments.pairs) {
    return;
  }
  let half = arguments.half;
  let head = here / half;
  let i = here % half;
  let whole = arguments.first + here;
  var start = 0;
  if (has(HAS_POSITION)) {
    start = position[arguments.position_at + select(0u, whole / arguments.pairs_of_row, has(HAS_EACH))];
  }
  let t = whole / (half * arguments.heads) % arguments.tokens;
  let row = table_row(start, t, arguments.length);
  let left = head * 2u * half + select(i, 2u * i, interleaved);
  let right = left + select(half, 1u, interleaved);
  let pair = vec2f(x[arguments.x_at + left], x[arguments.x_at + right]);
  let result = turned(pair, row, half, i, arguments.sign);
  y[arguments.y_at + left] = result.x;
  y[arguments.y_at + right] = result.y;
}
