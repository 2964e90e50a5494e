/**
 * GPT-2's pre-tokenisation: text is cut into words, numbers, runs of signs and white space, and no token crosses a cut.
 * White space is Unicode's, as in the original: JavaScript's own `\s` lacks U+0085 and counts U+FEFF.
 */
const PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Text is matched in parts of about this many characters, so that no list of matches grows with the document. */
const PART_CHARACTERS = 1 << 16;

/** Pre-tokens in order, in lists. Joined they are the text. */
export function* preTokens(text: string): Generator<readonly string[], void, undefined> {
  let start = 0;
  while (start < text.length) {
    const end = safeCut(text, start + PART_CHARACTERS);
    yield text.slice(start, end).match(PATTERN) ?? [];
    start = end;
  }
}

/**
 * First place at or after `from` where cutting changes no pre-token: before a space or newline that follows no white
 * space. Nothing in the pattern goes on from there, and nothing looks back.
 */
function safeCut(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code === 0x20 || code === 0x0a) && !/\p{White_Space}/u.test(text[at - 1]!)) return at;
  }
  return text.length;
}

/** A copy that does not keep the document alive which the piece was cut from. Lone surrogates become U+FFFD. */
export function detached(piece: string): string {
  return decoder.decode(encoder.encode(piece));
}

const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });
