//! Products of lists of channels (sparse-gemv, ternary-gemv): which part of which list and which outputs a workgroup
//! has. A lane has a unit of neighbouring outputs, `slots` of them share it and take other channels; their sums are
//! added in a fixed order.

/// Invocations side by side along a channel, and channels at the same time.
override lanes: u32 = 32u;
override slots: u32 = 8u;
/// Whether the list goes through workgroup memory; without it nothing waits, and slots is 1.
override staged: bool = true;
/// Whether a sum is whole and y is written, not a part of it.
override finish: bool = false;
override with_scales: bool = false;
override with_add: bool = false;

/// Of a place in a list that has no channel in this launch.
const NO_CHANNEL = 0xffffffffu;

/// Of a workgroup: the same for all of its invocations.
struct Place {
  list: u32,
  /// Number of the parts that it writes, over all launches.
  part: u32,
  /// The first one of its units.
  unit: u32,
  /// Entries of the list.
  begin: u32,
  end: u32,
}

/// An invocation takes `together` entries at a time.
fn place_of(index: u32, together: u32) -> Place {
  let tile = index % arguments.tiles;
  let split = index / arguments.tiles % arguments.splits;
  let list = index / (arguments.tiles * arguments.splits);
  let found = min(count[arguments.count_at + list], arguments.keep);
  let step = arguments.splits * slots * together;
  let own = (found + step - 1u) / step * slots * together;
  let begin = min(split * own, found);
  return Place(
    list,
    arguments.first_part + split,
    tile * lanes,
    begin,
    min(begin + own, found),
  );
}
