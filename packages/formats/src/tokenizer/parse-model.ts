// The BPE model inside tokenizer.json: vocabulary and merges, and how they must fit each other and the added tokens.
import { show } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import type { ObjectReader } from '../json/object-reader.ts';
import { byteAlphabet, byteTokens } from './byte-alphabet.ts';
import type { BpeModel, PostProcessor, TokenizerJson } from './types.ts';

const MODEL_KEYS = [
  'type',
  'dropout',
  'unk_token',
  'continuing_subword_prefix',
  'end_of_word_suffix',
  'fuse_unk',
  'byte_fallback',
  'ignore_merges',
  'vocab',
  'merges',
];

export interface ModelForm {
  /** Whether tokens are spelled in the byte alphabet. */
  readonly byteLevel: boolean;
  readonly maxTokenId: number;
}

/** @throws FormatError naming the key, the token or the merge */
export function parseModel(reader: ObjectReader, { byteLevel, maxTokenId }: ModelForm): BpeModel {
  reader.rejectUnknown(MODEL_KEYS);
  // Files of early versions leave the type out.
  reader.oneOf('type', ['BPE'], { fallback: 'BPE' });
  // Both forms mark words by a character for the space instead.
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix'])
    reader.oneOf(key, [''], { fallback: '' });
  const vocab = parseVocab(reader.object('vocab'), maxTokenId);
  // GPT-2's own file has an empty one.
  const unknown = reader.string('unk_token', { fallback: null }) || null;
  const byteFallback = reader.boolean('byte_fallback', { fallback: false });
  if (byteLevel) requireBytes(reader, vocab, byteAlphabet());
  else if (unknown === null) requireBytes(reader, vocab, byteFallback ? byteTokens() : undefined);
  return {
    type: 'BPE',
    dropout: reader.number('dropout', { min: 0, max: 1, fallback: null }),
    unk_token: unknown,
    fuse_unk: reader.boolean('fuse_unk', { fallback: false }),
    byte_fallback: byteFallback,
    ignore_merges: reader.boolean('ignore_merges', { fallback: false }),
    vocab,
    merges: parseMerges(reader, vocab),
  };
}

function parseVocab(reader: ObjectReader, maxTokenId: number): ReadonlyMap<string, number> {
  const entries = reader.keys().map((token) => {
    const id = reader.get(token);
    const fits = Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) <= maxTokenId;
    if (!fits || Object.is(id, -0)) throw reader.invalid(token, `an id from 0 to ${maxTokenId}`);
    return [token, id as number] as const;
  });
  entries.sort(([, a], [, b]) => a - b);
  for (const [at, [token, id]] of entries.entries()) {
    const before = entries[at - 1];
    if (before?.[1] === id) throw reader.invalid(token, `an id of its own, not that of ${show(before[0])}`);
  }
  return new Map(entries);
}

/** Without a spelling for every byte, and without an unknown token, text would vanish. */
function requireBytes(
  reader: ObjectReader,
  vocab: ReadonlyMap<string, number>,
  spellings: readonly string[] | undefined,
): void {
  if (spellings === undefined) {
    const problem =
      'model needs byte_fallback or unk_token, it has neither and unknown characters would be lost';
    throw new FormatError('missing-key', `[${reader.label}] ${problem}; correct it`, {
      key: 'model.unk_token',
    });
  }
  for (const [byte, spelling] of spellings.entries()) {
    if (vocab.has(spelling)) continue;
    const what = `${show(spelling)} (byte ${byte})`;
    const problem = `vocab must hold all 256 bytes, ${what} is missing and such text would be lost; train it anew`;
    throw new FormatError('missing-key', `[${reader.label}] ${problem}`, { key: spelling });
  }
}

function parseMerges(reader: ObjectReader, vocab: ReadonlyMap<string, number>): [string, string][] {
  const seen = new Set<number>();
  return reader.array('merges').map((merge, at): [string, string] => {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const isPair =
      Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string');
    if (!isPair) throw mergeError(reader, at, merge, 'must be two tokens, as ["a","b"] or "a b"');
    const [left, right] = parts as [string, string];
    const idOf = (token: string): number => {
      const id = vocab.get(token);
      if (id === undefined) throw mergeError(reader, at, merge, `needs the token ${show(token)} in vocab`);
      return id;
    };
    // Exact: ids are below 2^24.
    const key = idOf(left) * 2 ** 24 + idOf(right);
    idOf(left + right);
    if (seen.has(key)) throw mergeError(reader, at, merge, 'must stand once, it came before');
    seen.add(key);
    return [left, right];
  });
}

function mergeError(reader: ObjectReader, at: number, merge: unknown, problem: string): FormatError {
  const key = `model.merges.${at}`;
  return new FormatError('value', `[${reader.label}] "${key}" ${problem}, got ${show(merge)}; correct it`, {
    key,
  });
}

/**
 * Checks what needs the whole file: added tokens against the vocabulary and each other, and that special tokens which
 * other parts name exist with the id that they give.
 * @throws FormatError naming the key
 */
export function requireKnownTokens(tokenizer: TokenizerJson, label: string): void {
  const { added_tokens: added, model, post_processor: processor } = tokenizer;
  function error(code: FormatErrorCode, key: string, problem: string): FormatError {
    return new FormatError(code, `[${label}] ${show(key)} ${problem}; correct it`, { key });
  }
  const contentOfId = new Map([...model.vocab].map(([token, id]) => [id, token]));
  const idOfContent = new Map<string, number>();
  for (const [at, { id, content }] of added.entries()) {
    const key = `added_tokens.${at}`;
    if (idOfContent.has(content))
      throw error('duplicate-key', key, `must stand once, ${show(content)} came before`);
    const owner = contentOfId.get(id);
    if (owner !== undefined && owner !== content) {
      throw error('value', key, `must have an id of its own, ${id} is that of ${show(owner)}`);
    }
    const other = model.vocab.get(content);
    if (other !== undefined && other !== id) {
      throw error('value', key, `must have the id ${other} that ${show(content)} has in vocab, got ${id}`);
    }
    idOfContent.set(content, id);
    contentOfId.set(id, content);
  }
  const byteLevel = tokenizer.decoder.type === 'ByteLevel';
  const alphabet = new RegExp(
    `^[${byteAlphabet()
      .join('')
      .replace(/[\\\]^-]/g, '\\$&')}]+$`,
  );
  for (const token of model.vocab.keys()) {
    if (byteLevel ? alphabet.test(token) || idOfContent.has(token) : token !== '') continue;
    const form = byteLevel
      ? 'must consist of byte-level characters or be an added token'
      : 'must not be empty';
    throw error('value', `model.vocab.${token}`, form);
  }
  const idOf = (token: string) => idOfContent.get(token) ?? model.vocab.get(token);
  if (model.unk_token !== null && idOf(model.unk_token) === undefined) {
    throw error('value', 'model.unk_token', `must be a token, ${show(model.unk_token)} is none`);
  }
  for (const [token, id] of templateTokens(processor)) {
    if (idOf(token) === id) continue;
    throw error(
      'value',
      'post_processor',
      `must give special tokens by their ids, ${show(token)} is not ${id}`,
    );
  }
}

function* templateTokens(processor: PostProcessor | null): Generator<[string, number]> {
  for (const step of processor?.type === 'Sequence' ? processor.processors : [processor]) {
    if (step?.type !== 'TemplateProcessing') continue;
    for (const { ids, tokens } of step.special_tokens.values()) {
      for (const [at, token] of tokens.entries()) yield [token, ids[at]!];
    }
  }
}
