//! The arithmetic of sparse-gemv.wgsl and sparse-gemv-vec4.wgsl, which say what a unit of weights is: a lane adds up a
//! unit of outputs over its channels of the list, four of them on their way at a time.
//#include "product-place.wgsl"
//#include "bf16.wgsl"
/// Bits of a weight: 32 f32, 16 bf16, 8 i8.
override bits: u32 = 16u;
/// Vectors of four that a unit of outputs has.
override parts: u32 = 2u;

/// By weights of a word: vectors of those that lie first, second, ..
struct Sums {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
}

/// Channel in this launch's part of w, and the value's bits.
var<workgroup> entries: array<vec2u, lanes * slots>;
var<workgroup> halves: array<vec4f, max(1u, lanes * slots / 2u * parts)>;

fn entry_of(place: Place, j: u32) -> vec2u {
  if (j >= place.end) {
    return vec2u(NO_CHANNEL, 0u);
  }
  let at = place.list * arguments.keep + j;
  let channel = indices[arguments.indices_at + at];
  if (channel >= arguments.inputs) {
    // The row becomes NaN.
    return vec2u(NO_CHANNEL, channel | 0x7fc00000u);
  }
  let own = channel - arguments.first;
  return vec2u(select(NO_CHANNEL, own, own < arguments.channels), values[arguments.values_at + at]);
}

/// Four entries: their weights are all asked for before the first is used.
fn add_four(sums: ptr<function, Sums>, first: vec2u, second: vec2u, third: vec2u, fourth: vec2u, unit: u32) {
  let w0 = weights_at(select(first.x, 0u, first.x == NO_CHANNEL), unit);
  let w1 = weights_at(select(second.x, 0u, second.x == NO_CHANNEL), unit);
  let w2 = weights_at(select(third.x, 0u, third.x == NO_CHANNEL), unit);
  let w3 = weights_at(select(fourth.x, 0u, fourth.x == NO_CHANNEL), unit);
  add_products(sums, first, w0);
  add_products(sums, second, w1);
  add_products(sums, third, w2);
  add_products(sums, fourth, w3);
}

fn product(index: u32, lane: u32) {
  if (index >= arguments.workgroups) {
    return;
  }
  let place = place_of(index, 4u);
  let own_unit = place.unit + lane % lanes;
  let slot = lane / lanes;
  // Lanes past the end of a channel read its last unit, and write nothing.
  let unit = min(own_unit, arguments.units - 1u);
  var sums = Sums();
  if (staged) {
    let chunk = lanes * slots;
    for (var start = place.begin; start < place.end; start += chunk) {
      workgroupBarrier();
      entries[lane] = entry_of(place, start + lane);
      workgroupBarrier();
      let end = min(chunk, place.end - start);
      for (var j = slot * 4u; j < end; j += slots * 4u) {
        add_four(&sums, entries[j], entries[j + 1u], entries[j + 2u], entries[j + 3u], unit);
      }
    }
    for (var half = slots / 2u; half > 0u; half /= 2u) {
      let stride = lanes * slots / 2u;
      let at = lane % (half * lanes);
      workgroupBarrier();
      if (slot >= half && slot < 2u * half) {
        halves[at] = sums.a;
        if (parts > 1u) {
          halves[stride * 1u % (stride * parts) + at] = sums.b;
        }
        if (parts > 2u) {
          halves[stride * 2u % (stride * parts) + at] = sums.c;
          halves[stride * 3u % (stride * parts) + at] = sums.d;
        }
      }
      workgroupBarrier();
      if (slot < half) {
        sums.a += halves[at];
        if (parts > 1u) {
          sums.b += halves[stride * 1u % (stride * parts) + at];
        }
        if (parts > 2u) {
          sums.c += halves[stride * 2u % (stride * parts) + at];
          sums.d += halves[stride * 3u % (stride * parts) + at];
        }
      }
    }
  } else {
    for (var j = place.begin; j < place.end; j += 4u) {
      let first = entry_of(place, j);
      let second = entry_of(place, j + 1u);
      let third = entry_of(place, j + 2u);
      add_four(&sums, first, second, third, entry_of(place, j + 3u), unit);
    }
  }
  if (slot == 0u && own_unit < arguments.units) {
    write_unit(place, own_unit, sums);
  }
}
