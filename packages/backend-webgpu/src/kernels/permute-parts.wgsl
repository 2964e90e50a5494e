//! permute of elements of 2 bytes or 1: every one of y fetches its own of x.
//#include "flat.wgsl"
//#include "parts.wgsl"
//#include "permute-source.wgsl"
struct Arguments {
  count: u32,
  size1: u32,
  size2: u32,
  size3: u32,
  size4: u32,
  stride0: u32,
  stride1: u32,
  stride2: u32,
  stride3: u32,
  stride4: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(FLAT_THREADS)
fn permute(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let word = arguments.y_at / per_word + flat_index(group, groups, lane);
  var bits = 0u;
  var mask = 0u;
  for (var place = 0u; place < per_word; place++) {
    let at = word * per_word + place;
    if (at >= arguments.y_at && at < arguments.y_at + arguments.count) {
      let source = arguments.x_at + source_of(at - arguments.y_at);
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
