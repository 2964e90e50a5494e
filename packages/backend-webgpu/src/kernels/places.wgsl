//! Optional inputs of kernels that know positions: what the argument `places` says is there.

/// A position, one for each entry of the batch, first keys.
const HAS_POSITION = 1u;
const HAS_EACH = 2u;
const HAS_FIRST = 4u;

fn has(what: u32) -> bool {
  return (arguments.places & what) != 0u;
}
