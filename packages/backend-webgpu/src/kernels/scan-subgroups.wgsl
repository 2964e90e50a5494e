//! The function of scan.wgsl with subgroup operations: subgroups of any size, of consecutive invocations.

struct Scan {
  before: u32,
  all: u32,
}

/// A place for each subgroup, as in rows-subgroups.wgsl; places between stay 0.
var<workgroup> scan_values: array<u32, (team + smallest_subgroup - 1u) / smallest_subgroup>;

fn team_before(own: u32, lane: u32) -> Scan {
  let sum = subgroupAdd(own);
  let first = subgroupMin(lane);
  var scan = Scan(subgroupExclusiveAdd(own), 0u);
  workgroupBarrier();
  if (lane == first) {
    scan_values[first / smallest_subgroup] = sum;
  }
  workgroupBarrier();
  for (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {
    let other = scan_values[i];
    scan.all += other;
    scan.before += select(0u, other, i < first / smallest_subgroup);
  }
  return scan;
}
