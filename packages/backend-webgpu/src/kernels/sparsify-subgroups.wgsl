//! sparsify for rows of vectors, one a workgroup, in registers; see sparsify-row.wgsl. Reductions by subgroups.
//#include "rows-subgroups.wgsl"
//#include "sparsify-dense-row.wgsl"

@compute @workgroup_size(team)
fn sparsify(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row < arguments.rows) {
    sparsify_row(row, lane);
  }
}
