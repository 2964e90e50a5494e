// What tokenizers put around every text: tokenizer.json has a template of tokens, GGUF one token in front and one behind.
import { show } from '../display.ts';
import { FormatError } from '../errors.ts';
import type { PostProcessor, TemplatePiece } from '../tokenizer/types.ts';

/** The ids as GGUF keeps them. Throws FormatError where the template puts other tokens there than the model's own ends. */
export function frameOf(
  processor: PostProcessor | null,
  {
    beginOfText,
    endOfText,
  }: { readonly beginOfText?: number | undefined; readonly endOfText?: number | undefined },
): Frame {
  const around = aroundText(processor);
  const [first, last] = [around.first ?? beginOfText, around.last ?? endOfText];
  if (beginOfText !== undefined && first !== beginOfText)
    throw cannot(
      'post_processor',
      `texts begin with token ${first}, the beginning of text is ${beginOfText}`,
    );
  if (endOfText !== undefined && last !== endOfText)
    throw cannot('post_processor', `texts end with token ${last}, the end of text is ${endOfText}`);
  return {
    beginOfText: first,
    endOfText: last,
    addsBeginOfText: around.first !== undefined,
    addsEndOfText: around.last !== undefined,
  };
}

export interface Frame {
  readonly beginOfText: number | undefined;
  readonly endOfText: number | undefined;
  readonly addsBeginOfText: boolean;
  readonly addsEndOfText: boolean;
}

/** Ids of the tokens that are put in front of a text and behind it. */
function aroundText(processor: PostProcessor | null): {
  readonly first?: number | undefined;
  readonly last?: number | undefined;
} {
  const steps = processor?.type === 'Sequence' ? processor.processors : processor ? [processor] : [];
  const templates = steps.filter((step) => step.type === 'TemplateProcessing');
  if (templates.length === 0) return {};
  const [template, another] = templates;
  const { single, special_tokens } = template!;
  const text = single.findIndex((piece) => 'Sequence' in piece);
  const idsOf = (piece: TemplatePiece): readonly number[] =>
    'SpecialToken' in piece ? (special_tokens.get(piece.SpecialToken.id)?.ids ?? []) : [];
  const before = single.slice(0, text).flatMap(idsOf);
  const after = single.slice(text + 1).flatMap(idsOf);
  if (another || before.length > 1 || after.length > 1)
    throw cannot('post_processor', 'at most one token before a text and one after it can be written');
  return { first: before[0], last: after[0] };
}

export function postProcessor(
  tokens: readonly string[],
  first?: number,
  last?: number,
): PostProcessor | null {
  const ids = [first, last].filter((id) => id !== undefined);
  if (ids.length === 0) return null;
  const special = (id: number | undefined, type_id: number): TemplatePiece[] =>
    id === undefined ? [] : [{ SpecialToken: { id: tokens[id]!, type_id } }];
  const around = (id: 'A' | 'B', type_id: number): TemplatePiece[] => [
    ...special(first, type_id),
    { Sequence: { id, type_id } },
    ...special(last, type_id),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: new Map(
      ids.map((id) => [tokens[id]!, { id: tokens[id]!, ids: [id], tokens: [tokens[id]!] }]),
    ),
  };
}

/** The error for what a GGUF tokenizer cannot say. */
export function cannot(key: string, problem: string): FormatError {
  const message = `[gguf] tokenizer to write, ${show(key)}: ${problem}; such a model has no GGUF form here`;
  return new FormatError('value', message, { key });
}
