//! The product with subgroup matrices of 16 x 16.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
const MATRIX = 16u;
/// Matrices along a side of a subgroup's part of y.
const SIDE = 4u;
alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;
//#include "matmul-matrices.wgsl"

@compute @workgroup_size(threads)
fn matmul_matrices(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  make_tile(group.x + group.y * groups.x, lane, subgroup);
}
