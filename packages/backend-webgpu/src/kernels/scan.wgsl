//! Sums over the invocations of a workgroup before each one. All must call; rows.wgsl has `team`. scan-subgroups.wgsl has
//! the same function.

struct Scan {
  before: u32,
  all: u32,
}

var<workgroup> scan_values: array<u32, team>;

fn team_before(own: u32, lane: u32) -> Scan {
  workgroupBarrier();
  scan_values[lane] = own;
  for (var step = 1u; step < team; step *= 2u) {
    workgroupBarrier();
    var other = 0u;
    if (lane >= step) {
      other = scan_values[lane - step];
    }
    workgroupBarrier();
    scan_values[lane] += other;
  }
  workgroupBarrier();
  return Scan(scan_values[lane] - own, scan_values[team - 1u]);
}
