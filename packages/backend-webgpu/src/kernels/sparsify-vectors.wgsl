//! What the kernels of sparsify for rows of vectors of four share; the rows lie at multiples of 16 bytes. The including
//! file declares the arguments and bindings.
//#include "sparsify-site.wgsl"
fn given(row: u32, i: u32) -> vec4f {
  let length = arguments.width / 4u;
  if (gated == 0u) {
    return x[arguments.x_at + row * length + i];
  }
  let at = arguments.x_at + 2u * row * length + i;
  let gate = x[at];
  let value = vec4f(
    activation(gated, gate.x),
    activation(gated, gate.y),
    activation(gated, gate.z),
    activation(gated, gate.w),
  );
  return value * x[at + length];
}

fn magnitudes_of(h: vec4f) -> vec4u {
  return bitcast<vec4u>(h) & vec4u(0x7fffffffu);
}

fn largest_component(magnitudes: vec4u) -> u32 {
  let pair = max(magnitudes.xy, magnitudes.zw);
  return max(pair.x, pair.y);
}

fn lowered_vector(h: vec4f) -> vec4f {
  return vec4f(
    lowered(h.x, LOWERED),
    lowered(h.y, LOWERED),
    lowered(h.z, LOWERED),
    lowered(h.w, LOWERED),
  );
}

/// What vector `i` of a row with NaN or infinity becomes, in which h is.
fn broken_vector(h: vec4f, i: u32, largest: u32) -> vec4f {
  if (output != EVERYTHING) {
    return vec4f(nan_from(largest));
  }
  var w = vec4f(1.0);
  if (with_weight) {
    w = weight[arguments.weight_at + i];
  }
  return vec4f(
    broken_entry(h.x, w.x, largest),
    broken_entry(h.y, w.y, largest),
    broken_entry(h.z, w.z, largest),
    broken_entry(h.w, w.w, largest),
  );
}

fn count_true(those: vec4<bool>) -> u32 {
  let ones = select(vec4u(0u), vec4u(1u), those);
  return (ones.x + ones.y) + (ones.z + ones.w);
}

/// What is written for vector `i` of a row.
fn written_vector(h: vec4f, cut: Cut, i: u32, levels: Levels) -> vec4f {
  let m = magnitudes_of(h);
  return vec4f(
    written(h.x, keeps(cut, m.x, 4u * i), levels),
    written(h.y, keeps(cut, m.y, 4u * i + 1u), levels),
    written(h.z, keeps(cut, m.z, 4u * i + 2u), levels),
    written(h.w, keeps(cut, m.w, 4u * i + 3u), levels),
  );
}
