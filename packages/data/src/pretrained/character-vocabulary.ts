/** Ids to text in SentencePiece's form. */
import { byteTokens, type DecoderStep, type TokenDecoder, type TokenizerJson } from '@qsparse/formats';
import { TokenizerError } from '../errors.ts';
import {
  createVocabulary,
  type EditText,
  type TokenBytes,
  type Vocabulary,
} from '../tokenizer/vocabulary.ts';

/** Taken off the front of a text, at most `times` times. */
interface LeadingMark {
  /** One character. */
  readonly text: string;
  readonly times: number;
}

/**
 * What tokens spell by the file's decoder. Steps that work on single tokens are done here once, so that text can be
 * streamed. Of the marks at the start of a text one is taken off, the one that encoding puts there; the native library's
 * Metaspace takes all that the first token has.
 * @param file the name of tokenizer.json, for messages
 * Throws `TokenizerError` (`tokenizer-json`) for steps in an order that cannot be streamed.
 */
export function createCharacterVocabulary(json: TokenizerJson, file: string): Vocabulary {
  const steps = stepsOf(json.decoder);
  const replacements: (readonly [from: string, to: string])[] = [];
  let [bytes, fused] = [false, false];
  let leadingMark: LeadingMark | undefined;
  for (const [index, step] of steps.entries()) {
    const alone = !bytes && !fused && leadingMark === undefined;
    if (step.type === 'Replace' && alone) replacements.push([step.pattern.String, step.content]);
    else if (step.type === 'Metaspace' && index === 0) {
      replacements.push([step.replacement, ' ']);
      if (step.prepend_scheme !== 'never') leadingMark = { text: ' ', times: 1 };
    } else if (step.type === 'ByteFallback' && !bytes && !fused) bytes = true;
    else if (step.type === 'Fuse' && !fused) fused = true;
    else if (step.type === 'Strip' && fused && step.stop === 0 && leadingMark === undefined) {
      if ([...step.content].length === 1) leadingMark = { text: step.content, times: step.start };
      else refuse(file, `decoder.decoders.${index}.content must be one character`);
    } else refuse(file, `decoder.decoders.${index} (${step.type}) stands where it cannot be streamed`);
  }
  const byteOf = new Map(bytes ? byteTokens().map((token, byte) => [token, byte]) : []);
  const utf8 = new TextEncoder();
  const spell = (token: string): Uint8Array => {
    const text = replacements.reduce((changed, [from, to]) => changed.replaceAll(from, () => to), token);
    const byte = byteOf.get(text);
    return byte === undefined ? utf8.encode(text) : Uint8Array.of(byte);
  };
  const tokens: TokenBytes[] = [];
  for (const [token, id] of json.model.vocab) tokens.push({ id, bytes: spell(token), special: false });
  for (const { content, id, special } of json.added_tokens)
    tokens.push({ id, bytes: spell(content), special });
  return createVocabulary(tokens, leadingMark && (() => removeLeading(leadingMark)));
}

function removeLeading({ text, times }: LeadingMark): EditText {
  let left = times;
  return (piece) => {
    let rest = piece;
    while (left > 0 && rest !== '') {
      if (!rest.startsWith(text)) left = 0;
      else {
        rest = rest.slice(text.length);
        left--;
      }
    }
    return rest;
  };
}

function stepsOf(decoder: TokenDecoder): readonly DecoderStep[] {
  return decoder.type === 'Sequence' ? decoder.decoders : [decoder];
}

function refuse(file: string, what: string): never {
  const hint =
    'supported are Replace, ByteFallback, Fuse and Strip at the start, in this order, or Metaspace';
  throw new TokenizerError('tokenizer-json', 'loadTokenizer', `${file}: ${what}`, hint);
}
