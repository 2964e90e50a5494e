/**
 * The tokenizer of a llama2.c model (tokenizer.bin) as tokenizer.json in the form of Llama 2's. The file holds int32 length
 * of the longest token, then for each id a float32 score, int32 length and its bytes; ids 3 to 258 are the 256 bytes.
 */
import { byteTokens, FormatError, type TokenizerJson } from '@qsparse/formats';

const MARK = '▁';
const SPECIAL = ['<unk>', '<s>', '</s>'] as const;

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
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: MARK },
        { type: 'Replace', pattern: { String: ' ' }, content: MARK },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: new Map([['<s>', { id: '<s>', ids: [1], tokens: ['<s>'] }]]),
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: MARK }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab,
      merges: mergesOf(tokens, vocab),
    },
  };
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

/** Every way to make a token of two others, the best score first. */
function mergesOf(tokens: readonly Token[], vocab: ReadonlyMap<string, number>): [string, string][] {
  const first = SPECIAL.length + byteTokens().length;
  const joined = tokens.slice(first).sort((a, b) => b.score - a.score);
  return joined.flatMap(({ text }) => {
    const characters = [...text];
    const pairs: [string, string][] = [];
    for (let i = 1; i < characters.length; i++) {
      const [left, right] = [characters.slice(0, i).join(''), characters.slice(i).join('')];
      if (vocab.has(left) && vocab.has(right)) pairs.push([left, right]);
    }
    return pairs;
  });
}

function invalid(file: string, problem: string, cause?: unknown): FormatError {
  return new FormatError('value', `[llama2.c] ${file}: ${problem}; is it a tokenizer of llama2.c?`, {
    file,
    cause,
  });
}
