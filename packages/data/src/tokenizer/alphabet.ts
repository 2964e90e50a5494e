/** Bytes to the characters that spell them in tokenizer.json, and back. */
import { byteAlphabet } from '@qsparse/formats';

/** Spelling of each byte. */
export const BYTE_SYMBOLS: readonly string[] = /* @__PURE__ */ byteAlphabet();
const SYMBOL_BYTES: ReadonlyMap<string, number> = /* @__PURE__ */ symbolBytes();

function symbolBytes(): Map<string, number> {
  return new Map(BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte]));
}

/** The spelling of these bytes. */
export function symbolsOf(bytes: Uint8Array): string {
  let symbols = '';
  for (const byte of bytes) symbols += BYTE_SYMBOLS[byte];
  return symbols;
}

/** The bytes that a token's spelling stands for; every character must be of the alphabet. */
export function bytesOf(symbols: string): Uint8Array {
  return Uint8Array.from(symbols, (symbol) => SYMBOL_BYTES.get(symbol)!);
}
