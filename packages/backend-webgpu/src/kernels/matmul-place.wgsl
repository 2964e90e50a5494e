//! Which part of which product a workgroup makes: what matmul-products.wgsl and matmul-whole.wgsl share.
struct Place {
  matrix: u32,
  split: u32,
  tile_m: u32,
  tile_n: u32,
}

const BAND: u32 = 8u;

/** Tiles in bands of a few rows, so that workgroups that run together share rows of a and columns of b. */
fn place_of(index: u32) -> Place {
  let tiles = arguments.tiles_m * arguments.tiles_n;
  let tile = index % tiles;
  let rest = index / tiles;
  let band = tile / (BAND * arguments.tiles_n);
  let rows = min(BAND, arguments.tiles_m - band * BAND);
  let inside = tile - band * BAND * arguments.tiles_n;
  return Place(rest / arguments.splits, rest % arguments.splits, band * BAND + inside % rows, inside / rows);
}

/** Number of the matrix that a workgroup writes: a split has one of its own. */
fn target_of(place: Place) -> u32 {
  return place.split * (arguments.workgroups / (arguments.tiles_m * arguments.tiles_n * arguments.splits)) + place.matrix;
}
