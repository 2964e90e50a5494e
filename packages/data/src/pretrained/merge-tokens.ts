/** tokenizer.json together with what the files beside it add: one definition that says all of it. */
import type { AddedToken, PostProcessor, TemplatePiece, TokenizerJson } from '@qsparse/formats';
import { quoted, TokenizerError } from '../errors.ts';
import type { NamedTokens, NameOf } from './named-tokens.ts';

const CONFIG = 'tokenizer_config.json';

/**
 * The definition with the described and special tokens as added tokens, and the tokens around a text that the files ask
 * for. Throws `TokenizerError` (`tokenizer-json`) where the files contradict each other.
 */
export function mergeTokens(json: TokenizerJson, named: NamedTokens, nameOf: NameOf): TokenizerJson {
  const added = new Map(json.added_tokens.map((token) => [token.content, token]));
  const contentOf = new Map([...json.model.vocab].map(([content, id]) => [id, content]));
  for (const { id, content } of json.added_tokens) contentOf.set(id, content);
  const idOf = (content: string): number | undefined =>
    added.get(content)?.id ?? json.model.vocab.get(content);
  const fail = (what: string): never => {
    const hint = 'take both files from the same model';
    throw new TokenizerError('tokenizer-json', 'loadTokenizer', `${nameOf(CONFIG)}: ${what}`, hint);
  };

  for (const token of named.described) {
    const [known, owner] = [idOf(token.content), contentOf.get(token.id)];
    if (known !== undefined && known !== token.id) {
      fail(
        `added_tokens_decoder gives ${quoted(token.content)} the id ${token.id}, tokenizer.json the id ${known}`,
      );
    }
    if (owner !== undefined && owner !== token.content)
      fail(
        `added_tokens_decoder has ${quoted(token.content)} at id ${token.id}, tokenizer.json ${quoted(owner)}`,
      );
    added.set(token.content, token);
    contentOf.set(token.id, token.content);
  }
  const required = new Set([
    ...named.special,
    ...['bos_token', 'eos_token'].flatMap((name) => named.byName.get(name) ?? []),
  ]);
  for (const content of new Set([...required, ...named.byName.values()])) {
    if (added.get(content)?.special) continue;
    const id = idOf(content);
    if (id !== undefined) added.set(content, specialToken(content, id, added.get(content)));
    else if (required.has(content))
      fail(`it names the special token ${quoted(content)}, which tokenizer.json does not have`);
  }
  const { frame } = named;
  return {
    ...json,
    added_tokens: [...added.values()].sort((a, b) => a.id - b.id),
    post_processor: frame === undefined ? json.post_processor : framing(frame, named, idOf),
  };
}

function specialToken(content: string, id: number, known: AddedToken | undefined): AddedToken {
  const flags = known ?? { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return { ...flags, content, id, special: true };
}

/** What transformers puts around a text where the configuration says add_bos_token or add_eos_token. */
function framing(
  frame: { readonly bos: boolean; readonly eos: boolean },
  { byName }: NamedTokens,
  idOf: (content: string) => number | undefined,
): PostProcessor | null {
  const bos = frame.bos ? byName.get('bos_token') : undefined;
  const eos = frame.eos ? byName.get('eos_token') : undefined;
  const names = [bos, eos].filter((content) => content !== undefined);
  if (names.length === 0) return null;
  const around = (sequence: 'A' | 'B', type_id: number): TemplatePiece[] => [
    ...(bos === undefined ? [] : [{ SpecialToken: { id: bos, type_id } }]),
    { Sequence: { id: sequence, type_id } },
    ...(eos === undefined ? [] : [{ SpecialToken: { id: eos, type_id } }]),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: new Map(names.map((id) => [id, { id, ids: [idOf(id)!], tokens: [id] }])),
  };
}

/** Ids before and after a text. */
export interface Frame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export function frameOf(processor: PostProcessor | null): Frame {
  let [before, after]: number[][] = [[], []];
  for (const step of processor?.type === 'Sequence' ? processor.processors : [processor]) {
    if (step?.type !== 'TemplateProcessing') continue;
    const place = step.single.findIndex((piece) => 'Sequence' in piece);
    const idsIn = (pieces: readonly TemplatePiece[]): number[] =>
      pieces.flatMap((piece) =>
        'SpecialToken' in piece ? step.special_tokens.get(piece.SpecialToken.id)!.ids : [],
      );
    before = [...idsIn(step.single.slice(0, place)), ...before!];
    after = [...after!, ...idsIn(step.single.slice(place))];
  }
  return { before: before!, after: after! };
}
