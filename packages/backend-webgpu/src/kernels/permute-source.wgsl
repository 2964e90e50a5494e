//! Where element i of permute's y lies in x: y is dense over [.., size1, size2, size3, size4], a step of dimension k is
//! stride_k in x.

fn source_of(i: u32) -> u32 {
  let i3 = i / arguments.size4;
  let i2 = i3 / arguments.size3;
  let i1 = i2 / arguments.size2;
  let i0 = i1 / arguments.size1;
  return i0 * arguments.stride0 + (i1 - i0 * arguments.size1) * arguments.stride1 +
    (i2 - i1 * arguments.size2) * arguments.stride2 + (i3 - i2 * arguments.size3) * arguments.stride3 +
    (i - i3 * arguments.size4) * arguments.stride4;
}
