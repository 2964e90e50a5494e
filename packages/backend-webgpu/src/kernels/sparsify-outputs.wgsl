//! What the kernels of sparsify that write rows of vectors of four are given.
struct Arguments {
  rows: u32,
  width: u32,
  keep: u32,
  epsilon: f32,
  x_at: u32,
  weight_at: u32,
  y_at: u32,
  inverse_rms_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> inverse_rms: array<f32>;
