// The alphabet of byte-level BPE (GPT-2): one printable character for each byte, so that tokens are readable text.
// Bytes that print as one character in Latin-1 stand for themselves; the other 68 follow from U+0100 on, in order.

/** The character of each byte 0..255. */
export function byteAlphabet(): readonly string[] {
  const characters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCharCode(prints ? byte : next++));
  }
  return characters;
}

/** SentencePiece's tokens for bytes that no other token covers: `<0x00>` to `<0xFF>`. */
export function byteTokens(): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
}
