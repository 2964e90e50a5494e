//! Elementwise kernels: the number of an invocation among all workgroups.

const FLAT_THREADS = 64u;

fn flat_index(group: vec3u, groups: vec3u, lane: u32) -> u32 {
  return (group.x + group.y * groups.x) * FLAT_THREADS + lane;
}
