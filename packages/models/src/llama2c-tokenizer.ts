/**
 * The tokenizer of a llama2.c model (tokenizer.bin) as tokenizer.json in the form of Llama 2's. The file holds int32 length
 * of the longest token, then for each id a float32 score, int32 length and its bytes; ids 3 to 258 are the 256 bytes.
 */
import { byteTokens, FormatError, type TokenizerJson } from '@qsparse/formats';
import { TOKEN_TYPES, tokenizerJsonFromGguf } from '@qsparse/formats/gguf';

const MARK = '▁';
const SPECIAL = ['<unk>', '<s>', '</s>'] as const;
const [BEGIN, END] = [1, 2];

/**
 * Tokens are joined as llama2.c joins them: of all neighbours that make a token together, those with the best score first.
 * Throws FormatError for bytes that are no such file.
 * @param name of the file, for messages
 */
export function llama2cTokenizer(bytes: Uint8Array, name = 'tokenizer.bin'): TokenizerJson {
  const tokens = readTokens(bytes, name);
  const vocab = new Map<string, number>();
  for (const [id, { text }] of tokens.entries()) {
    if (vocab.has(text)) throw invalid(name, `tokens ${vocab.get(text)} and ${id} are the same`);
    vocab.set(text, id);
  }
  for (const [i, token] of byteTokens().entries())
    if (vocab.get(token) !== SPECIAL.length + i)
      throw invalid(name, `token ${SPECIAL.length + i} must be ${token}`);
  return tokenizerJsonFromGguf({
    tokens: [...vocab.keys()],
    tokenTypes: tokens.map((_, id) => typeOf(id)),
    scores: tokens.map(({ score }) => score),
    beginOfText: BEGIN,
    endOfText: END,
  });
}

function typeOf(id: number): number {
  if (id < SPECIAL.length) return id === 0 ? TOKEN_TYPES.unknown : TOKEN_TYPES.control;
  return id < SPECIAL.length + byteTokens().length ? TOKEN_TYPES.byte : TOKEN_TYPES.normal;
}

interface Token {
  readonly text: string;
  readonly score: number;
}

function readTokens(bytes: Uint8Array, name: string): Token[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const tokens: Token[] = [];
  for (let at = 4; at < bytes.length; ) {
    const end = at + 8 <= bytes.length ? at + 8 + view.getInt32(at + 4, true) : Number.NaN;
    if (!(end >= at + 8 && end <= bytes.length)) throw invalid(name, `it ends within token ${tokens.length}`);
    try {
      const text = decoder.decode(bytes.subarray(at + 8, end)).replaceAll(' ', MARK);
      tokens.push({ text: SPECIAL[tokens.length] ?? text, score: view.getFloat32(at, true) });
    } catch (cause) {
      throw invalid(name, `token ${tokens.length} is not UTF-8`, cause);
    }
    at = end;
  }
  return tokens;
}

function invalid(file: string, problem: string, cause?: unknown): FormatError {
  return new FormatError('value', `[llama2.c] ${file}: ${problem}; is it a tokenizer of llama2.c?`, {
    file,
    cause,
  });
}
