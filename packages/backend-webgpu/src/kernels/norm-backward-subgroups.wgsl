//! The gradients of RMSNorm and of gated sites for rows of vectors; see norm-backward-row.wgsl. Reductions by
//! subgroups.
//#include "rows-subgroups.wgsl"
//#include "norm-backward-row.wgsl"

@compute @workgroup_size(team)
fn norm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  if (number * arguments.chunk < arguments.rows) {
    norm_backward_rows(number, lane);
  }
}
