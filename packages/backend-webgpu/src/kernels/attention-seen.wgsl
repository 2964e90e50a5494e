//! Which keys a query of attention sees: what position, window and first say. The including module declares `position` and
//! `first` (i32) and these arguments: places, queries, keys, window (0: none), position_at, first_at.
//#include "places.wgsl"

/// What a position is held within, so that sums with it stay whole numbers of 32 bits.
const FAR = 1 << 30u;

struct Seen {
  begin: i32,
  end: i32,
}

/// The keys [begin, end) that query t of row b of the batch sees; none where end <= begin.
fn seen_of(b: u32, t: u32) -> Seen {
  if (t >= arguments.queries) {
    return Seen(0, 0);
  }
  let keys = i32(arguments.keys);
  var start = keys - i32(arguments.queries);
  if (has(HAS_POSITION)) {
    start = clamp(position[arguments.position_at + select(0u, b, has(HAS_EACH))], -FAR, FAR);
  }
  let last = start + i32(t);
  var begin = 0;
  if (arguments.window > 0) {
    begin = max(begin, last - arguments.window + 1);
  }
  if (has(HAS_FIRST)) {
    begin = max(begin, first[arguments.first_at + b * arguments.queries + t]);
  }
  return Seen(begin, min(keys, last + 1));
}
