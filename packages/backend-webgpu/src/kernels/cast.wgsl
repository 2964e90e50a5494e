//! cast: every pair of f32, bf16, i32 and i8. To bf16: nearest, ties to even, a NaN stays one. Floats to integers:
//! truncated toward zero and held inside the range, NaN to 0; integers to floats: nearest. An invocation makes one
//! word.
//#include "flat.wgsl"
//#include "bf16.wgsl"
//#include "bits.wgsl"
struct Arguments {
  count: u32,
  x_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
/// 0 f32, 1 bf16, 2 i32, 3 i8.
override source: u32 = 0u;
override target_type: u32 = 1u;

/// The bits of float element `at` of x.
fn float_bits(at: u32) -> u32 {
  if (source == 0u) {
    return x[at];
  }
  return half_of(x[at / 2u], at) << 16u;
}

fn integer(at: u32) -> i32 {
  if (source == 2u) {
    return bitcast<i32>(x[at]);
  }
  return byte_of(x[at / 4u], at);
}

/// The nearest float: both parts are exact, so that only their sum is rounded.
fn nearest_float(i: i32) -> f32 {
  return f32(i & ~0xfff) + f32(i & 0xfff);
}

/// Within -2^31 and 2^31 - 1.
fn truncated(bits: u32) -> i32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > NOT_FINITE) {
    return 0;
  }
  // From 2^31 on.
  if (magnitude >= 0x4f000000u) {
    return select(0x7fffffff, i32(-0x7fffffff - 1), bits >= 0x80000000u);
  }
  return i32(bitcast<f32>(bits));
}

/// The bits of element `at` of x as y has it, in the lower ones.
fn converted(at: u32) -> u32 {
  let from_float = source < 2u;
  switch (target_type) {
    case 0u: {
      if (from_float) {
        return float_bits(at);
      }
      return bitcast<u32>(nearest_float(integer(at)));
    }
    case 1u: {
      if (from_float) {
        return to_bf16(float_bits(at));
      }
      return to_bf16(bitcast<u32>(nearest_float(integer(at))));
    }
    default: {
      var number = 0;
      if (from_float) {
        number = truncated(float_bits(at));
      } else {
        number = integer(at);
      }
      if (target_type == 2u) {
        return bitcast<u32>(number);
      }
      return bitcast<u32>(clamp(number, -128, 127)) & 0xffu;
    }
  }
}

@compute @workgroup_size(FLAT_THREADS)
fn cast_elements(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (target_type == 0u || target_type == 2u) {
    if (i < arguments.count) {
      y[arguments.y_at + i] = converted(arguments.x_at + i);
    }
    return;
  }
  let per_word = select(4u, 2u, target_type == 1u);
  let width = 32u / per_word;
  let word = arguments.y_at / per_word + i;
  var bits = 0u;
  var mask = 0u;
  for (var place = 0u; place < per_word; place++) {
    let at = word * per_word + place;
    if (at >= arguments.y_at && at < arguments.y_at + arguments.count) {
      bits |= converted(arguments.x_at + at - arguments.y_at) << (place * width);
      mask |= ((1u << width) - 1u) << (place * width);
    }
  }
  if (mask == 0xffffffffu) {
    y[word] = bits;
  } else if (mask != 0u) {
    y[word] = (y[word] & ~mask) | bits;
  }
}
