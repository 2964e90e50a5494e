//! Elements of which several lie in a word, as bits: an invocation makes a whole word of y, and keeps what is not its
//! own.

/// 2 for elements of 2 bytes, 4 for bytes.
override per_word: u32 = 4u;

/// The bits of the element that is number `at` among those of the binding, from its word.
fn part_of(word: u32, at: u32) -> u32 {
  let bits = 32u / per_word;
  return (word >> ((at % per_word) * bits)) & ((1u << bits) - 1u);
}

/// The bits that an element at `place` in its word takes.
fn part_mask(place: u32) -> u32 {
  let bits = 32u / per_word;
  return ((1u << bits) - 1u) << (place * bits);
}
