/**
 * Every setting of a training run: one table for flags, run.yaml, presets and the help. Keys are written alike
 * everywhere; a later source wins: default, preset, run.yaml, flags.
 */
import { nearestName } from '@qsparse/formats';
import { type Option, UsageError } from '../command.ts';
import { DEFAULT_PRESET, PRESETS } from './presets.ts';

interface Rule<T> {
  readonly default: T;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** In words, where `min` and `max` do not say it well. */
  readonly range?: string;
  readonly whole?: boolean;
}

const count = (value: number, help: string, min = 1): Rule<number> => ({
  default: value,
  help,
  min,
  whole: true,
});
const number = (value: number, help: string, min = 0, max = Number.MAX_VALUE): Rule<number> => ({
  default: value,
  help,
  min,
  max,
});
/** A number from 0 up to, not including, 1. */
const share = (value: number, help: string): Rule<number> => ({
  ...number(value, help, 0, 1 - Number.EPSILON / 2),
  range: 'number of at least 0 and below 1',
});
/** A number above 0. */
const positive = (value: number, help: string): Rule<number> => ({
  ...number(value, help, Number.MIN_VALUE),
  range: 'number above 0',
});
const text = (value: string, help: string): Rule<string> => ({ default: value, help });
const choice = <C extends string>(value: C, choices: readonly C[], help: string): Rule<C> => ({
  default: value,
  choices,
  help,
});
const flag = (value: boolean, help: string): Rule<boolean> => ({ default: value, help });

/** Settings by key. `sparsity` and `block` exclude each other. */
export const SETTINGS = {
  task: choice(
    'text',
    ['text', 'sft', 'dpo'],
    'learn text, the completions of examples, or the preferred of two answers',
  ),
  init: text('', 'model folder, run or file to start from; its sizes and tokenizer stay'),
  'keep-optimizer': flag(true, 'go on with the optimizer state of init, where it is there and fits'),
  layers: count(4, 'decoder blocks'),
  width: count(128, 'width of the residual stream'),
  heads: count(4, 'attention heads; they divide the width'),
  'kv-heads': count(4, 'key-value heads; they divide the heads'),
  'feed-forward': count(384, 'width inside the feed-forward layer'),
  context: count(256, 'tokens a row, and that the model sees'),
  activation: choice('relu2', ['relu2', 'silu', 'relu', 'drelu'], 'activation of the gate'),
  'sub-layer-norms': flag(true, 'norms before the output and down projections'),
  'tied-embedding': flag(true, 'the head uses the embedding'),
  weights: choice('ternary', ['ternary', 'full'], 'weights of the linear layers'),
  activations: choice('int8', ['int8', 'full'], 'activations of the linear layers'),
  sparsity: share(0.6, 'share of inputs that top-K leaves out, 0 is dense'),
  block: text('', 'KEEP:BLOCK selection in place of sparsity, for instance 16:32'),
  method: choice(
    'q-sparse',
    ['q-sparse', 'relu', 'relufication', 'drelu'],
    'selection of the largest, or what it is compared with: ReLU at all sites, ReLUfication, dReLU',
  ),
  'straight-through': flag(true, 'straight-through gradient past the selection'),
  rescale: choice('none', ['none', 'unit', 'preserve'], 'L2 rescale after selection'),
  compute: choice(
    'auto',
    ['auto', 'f32', 'bf16'],
    'dtype of the computation; auto is bf16 where the device has it',
  ),
  recompute: flag(false, 'compute blocks again in the backward pass: less memory, a third more time'),
  'lora-rank': count(0, 'rank of a LoRA adapter, with init; 0 trains all weights', 0),
  'lora-alpha': positive(16, 'the adapter is scaled by alpha / rank'),
  'lora-targets': text('all', 'linear layers with an adapter: all, or some of q,k,v,o,gate,up,down'),
  format: choice(
    'auto',
    ['auto', 'completion', 'alpaca', 'chat'],
    'form of the examples; auto goes by their keys',
  ),
  separator: text('\n', 'between prompt and completion'),
  'chat-template': text('', "Jinja file in place of the model's chat template"),
  'bad-rows': choice(
    'stop',
    ['stop', 'skip', 'cut'],
    'at an example that is empty or beyond the context: stop, leave it out, or cut its completion',
  ),
  'dpo-beta': positive(0.1, 'strength of the pull to the reference model'),
  'text-key': text('text', 'key that holds the text in .jsonl'),
  tokenizer: choice('bpe', ['bpe', 'byte'], 'tokenizer, made from the text'),
  vocabulary: count(1024, 'tokens of the BPE vocabulary', 257),
  validation: number(0.05, 'share of the text held back', 0.0001, 0.5),
  'validation-data': text('', 'text file to validate on; nothing is held back then'),
  steps: count(400, 'updates'),
  epochs: number(0, 'passes over the data, in place of steps; 0 goes by steps'),
  batch: count(8, 'rows a micro-batch'),
  accumulation: count(1, 'micro-batches an update'),
  'learning-rate': positive(2e-3, 'peak learning rate'),
  schedule: choice(
    'cosine',
    ['cosine', 'linear', 'constant', 'two-stage'],
    'learning rate after the warm-up; two-stage is that of BitNet b1.58',
  ),
  'final-share': number(0.1, 'share of the peak at the last step', 0, 1),
  'second-peak': number(0, 'peak of the second stage, 0 is 2/3 of the first'),
  'stage-share': number(0.5, 'where the second stage begins, as a share of the steps', 0, 1),
  warmup: count(20, 'steps to the peak', 0),
  'weight-decay': number(0.1, 'decay of matrices'),
  beta1: share(0.9, 'AdamW first moment'),
  beta2: share(0.95, 'AdamW second moment'),
  ema: share(0, 'moving average of the weights, 0 is off'),
  clip: number(1, 'largest gradient norm, 0 is off'),
  'sparsity-warmup': count(0, 'steps from dense to the full sparsity', 0),
  seed: count(1, 'seed of weights and of the order of rows', 0),
  'validate-every': count(100, 'steps between validations'),
  'validation-batches': count(8, 'batches of a validation'),
  'save-every': count(100, 'steps between checkpoints'),
  'sample-every': count(100, 'steps between sample texts, 0 is never', 0),
  'sample-prompt': text('The ', 'text that samples go on from'),
  'diagnostics-every': count(
    0,
    'steps between looks at gradients, zeros and weights by layer, 0 is never',
    0,
  ),
  tensorboard: flag(true, 'event files for TensorBoard in the run folder'),
  'peak-tflops': number(0, 'TFLOP/s of the device at most, to show how much of them is used; 0 is unknown'),
} as const;

type ValueOf<R> = R extends Rule<infer T> ? T : never;
export type Settings = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };
export type SettingName = keyof Settings;
/** Settings from one source. */
export type SomeSettings = { readonly [K in SettingName]?: Settings[K] };

/** A setting that does not exist or cannot hold what came; the message begins with the file and line, or the flag. */
export class SettingError extends UsageError {
  override readonly code = 'setting';
}

/** Options of the command line, from the table. */
export function settingOptions(): Record<string, Option> {
  const values = presetSettings(DEFAULT_PRESET);
  return Object.fromEntries(
    Object.entries(SETTINGS as Record<SettingName, Rule<unknown>>).map(([name, { help, choices }]) => {
      const value = values[name as SettingName];
      const kind = typeof value === 'number' ? 'N' : typeof value === 'boolean' ? 'true|false' : 'TEXT';
      const shown = value === '' ? '' : ` (default ${JSON.stringify(value).replace(/^"(\S+)"$/, '$1')})`;
      return [name, { type: 'string', value: choices?.join('|') ?? kind, help: `${help}${shown}` }];
    }),
  );
}

/**
 * One value from a flag or a YAML file. Throws SettingError.
 * @param shown how the user wrote the name
 */
export function parseSetting(
  name: string,
  value: unknown,
  where: string,
  shown: string = name,
): Settings[SettingName] {
  const rule = Object.hasOwn(SETTINGS, name) ? (SETTINGS as Record<string, Rule<unknown>>)[name] : undefined;
  if (!rule) {
    const near = nearestName(name, [...Object.keys(SETTINGS), 'data', 'preset']);
    const hint = near ? `did you mean "${near}"?` : 'see train --help';
    throw new SettingError(`[${where}] there is no setting ${JSON.stringify(name)}; ${hint}`);
  }
  const fail = (what: string) =>
    new SettingError(`[${where}] ${shown} must be ${what}, got ${JSON.stringify(value)?.slice(0, 60)}`);
  if (typeof rule.default === 'number') {
    const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    const { min = 0, max = Number.MAX_VALUE, whole } = rule;
    if (
      typeof parsed === 'number' &&
      parsed >= min &&
      parsed <= max &&
      (!whole || Number.isSafeInteger(parsed))
    )
      return parsed;
    const range = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`;
    throw fail(`a ${rule.range ?? `${whole ? 'whole ' : ''}number ${range}`}`);
  }
  if (typeof rule.default === 'boolean') {
    const parsed = { true: true, false: false }[String(value)];
    if (parsed === undefined) throw fail('true or false');
    return parsed;
  }
  if (typeof value === 'string' && (rule.choices ?? [value]).includes(value))
    return value as Settings[SettingName];
  throw fail(rule.choices ? `one of ${rule.choices.join(', ')}` : 'text');
}

/** Defaults, then the preset. Throws SettingError for a preset that does not exist. */
export function presetSettings(preset: string): Settings {
  const defaults = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { default: value }]) => [name, value]),
  ) as unknown as Settings;
  if (Object.hasOwn(PRESETS, preset))
    return mergeSettings(defaults, PRESETS[preset as keyof typeof PRESETS].settings, 'preset');
  const names = Object.keys(PRESETS);
  const near = nearestName(preset, names);
  const hint = near ? `did you mean ${near}?` : `choose one of ${names.join(', ')}`;
  throw new SettingError(`[train] there is no preset "${preset}"; ${hint}`);
}

/**
 * A later source over an earlier one: a sparsity ends a block selection, and the other way round; steps end epochs. Throws
 * SettingError.
 */
export function mergeSettings(earlier: Settings, later: SomeSettings, where: string): Settings {
  const { sparsity, block } = later;
  if (sparsity !== undefined && block !== undefined && block !== '')
    throw new SettingError(`[${where}] sparsity and block exclude each other, got ${sparsity} and ${block}`);
  const goesBySteps = later.steps !== undefined && later.epochs === undefined;
  return {
    ...earlier,
    ...(sparsity !== undefined && { block: '' }),
    ...(goesBySteps && { epochs: 0 }),
    ...later,
  };
}
