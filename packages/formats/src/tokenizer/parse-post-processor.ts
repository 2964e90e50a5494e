// The part of tokenizer.json that puts special tokens around a text.
import type { ObjectReader } from '../json/object-reader.ts';
import { parseByteLevel } from './parse-byte-level.ts';
import type { ByteLevel, PostProcessor, TemplatePiece, TemplateProcessing, TemplateToken } from './types.ts';

/** @throws FormatError naming the key, for every other processor than ByteLevel, TemplateProcessing or a Sequence of them. */
export function parsePostProcessor(reader: ObjectReader | null): PostProcessor | null {
  if (reader === null) return null;
  if (reader.oneOf('type', ['ByteLevel', 'TemplateProcessing', 'Sequence']) !== 'Sequence')
    return parseStep(reader);
  reader.rejectUnknown(['type', 'processors']);
  return { type: 'Sequence', processors: reader.objects('processors').map(parseStep) };
}

function parseStep(reader: ObjectReader): ByteLevel | TemplateProcessing {
  const type = reader.oneOf('type', ['ByteLevel', 'TemplateProcessing']);
  return type === 'ByteLevel' ? parseByteLevel(reader) : parseTemplate(reader);
}

function parseTemplate(reader: ObjectReader): TemplateProcessing {
  reader.rejectUnknown(['type', 'single', 'pair', 'special_tokens']);
  const tokens = reader.object('special_tokens');
  const special = new Map(tokens.keys().map((key) => [key, parseToken(tokens.object(key), key)]));
  const parsePieces = (key: string) => reader.objects(key).map((piece) => parsePiece(piece, special));
  const single = parsePieces('single');
  const sequences = single.flatMap((piece) => ('Sequence' in piece ? piece.Sequence.id : []));
  if (sequences.join() !== 'A') throw reader.invalid('single', 'a list with the sequence A once');
  return {
    type: 'TemplateProcessing',
    single,
    pair: parsePieces('pair'),
    special_tokens: special,
  };
}

function parseToken(reader: ObjectReader, key: string): TemplateToken {
  reader.rejectUnknown(['id', 'ids', 'tokens']);
  const id = reader.oneOf('id', [key]);
  const ids = reader.integers('ids', { min: 0 });
  const tokens = reader.strings('tokens');
  if (tokens.length !== ids.length)
    throw reader.invalid('tokens', `an array of ${ids.length} strings, one for each id`);
  return { id, ids, tokens };
}

function parsePiece(reader: ObjectReader, special: ReadonlyMap<string, TemplateToken>): TemplatePiece {
  if (reader.has('SpecialToken')) {
    reader.rejectUnknown(['SpecialToken']);
    const token = reader.object('SpecialToken');
    token.rejectUnknown(['id', 'type_id']);
    return { SpecialToken: { id: token.oneOf('id', [...special.keys()]), type_id: typeId(token) } };
  }
  reader.rejectUnknown(['Sequence']);
  const sequence = reader.object('Sequence');
  sequence.rejectUnknown(['id', 'type_id']);
  return { Sequence: { id: sequence.oneOf('id', ['A', 'B']), type_id: typeId(sequence) } };
}

function typeId(reader: ObjectReader): number {
  return reader.integer('type_id', { min: 0, fallback: 0 });
}
