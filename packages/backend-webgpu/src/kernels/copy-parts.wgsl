//! copy, copy-section, slice where runs begin or end inside words: runs of `length` elements of 2 bytes or 1, so far
//! apart in x and in y. `span`: elements of y from the first run to the end of the last.
//#include "flat.wgsl"
//#include "parts.wgsl"
struct Arguments {
  span: u32,
  length: u32,
  x_stride: u32,
  y_stride: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(FLAT_THREADS)
fn copy_parts(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = arguments.y_at / per_word + flat_index(group, groups, lane);
  var bits = 0u;
  var mask = 0u;
  for (var place = 0u; place < per_word; place++) {
    let at = word * per_word + place;
    if (at < arguments.y_at || at >= arguments.y_at + arguments.span) {
      continue;
    }
    let run = (at - arguments.y_at) / arguments.y_stride;
    let j = at - arguments.y_at - run * arguments.y_stride;
    if (j < arguments.length) {
      let source = arguments.x_at + run * arguments.x_stride + j;
      bits |= part_of(x[source / per_word], source) << (place * (32u / per_word));
      mask |= part_mask(place);
    }
  }
  if (mask == 0xffffffffu) {
    y[word] = bits;
  } else if (mask != 0u) {
    y[word] = (y[word] & ~mask) | bits;
  }
}
