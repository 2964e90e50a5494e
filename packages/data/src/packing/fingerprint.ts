/** A cheap identity of a token stream, so that a resumed run can refuse data that changed. Not against forgery. */
import type { Tokens } from './tokens.ts';

const WORD = 2 ** 32;

/**
 * FNV-1a of 64 bits (Fowler, Noll and Vo) over the ids, 16 hex digits. Each id goes in as one unit in place of an octet,
 * so ids below 256 give the hash of those bytes, and 2-byte and 4-byte streams of equal ids give the same.
 */
export function fingerprint(tokens: Tokens): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let i = 0; i < tokens.length; i++) {
    low = (low ^ tokens[i]!) >>> 0;
    // Times 2^40 + 0x1b3, in halves: every product stays below 2^53.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + (low << 8) + Math.floor(product / WORD)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
