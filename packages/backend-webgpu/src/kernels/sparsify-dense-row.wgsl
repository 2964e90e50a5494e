//! The end of sparsify-row.wgsl where rows stay rows.
//#include "sparsify-outputs.wgsl"
//#include "sparsify-row.wgsl"

fn write_inverse(row: u32, inverse: f32) {
  inverse_rms[arguments.inverse_rms_at + row] = inverse;
}

fn finish_row(row: u32, lane: u32, h: ptr<function, array<vec4f, MOST_VECTORS>>) {
  let length = arguments.width / 4u;
  for (var v = 0u; v < vectors; v++) {
    let i = v * team + lane;
    if (i < length) {
      y[arguments.y_at + row * length + i] = (*h)[v];
    }
  }
}
