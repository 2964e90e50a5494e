/**
 * Every setting of a training run: one table for flags, run.yaml, presets and the help. Keys are written alike
 * everywhere; a later source wins: default, preset, run.yaml, flags.
 */
import { nearestName } from '@qsparse/formats';
import type { Option } from '../command.ts';
import { PRESETS } from './presets.ts';

interface Rule<T> {
  readonly default: T;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
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
const text = (value: string, help: string): Rule<string> => ({ default: value, help });
const choice = <C extends string>(value: C, choices: readonly C[], help: string): Rule<string> => ({
  default: value,
  choices,
  help,
});
const flag = (value: boolean, help: string): Rule<boolean> => ({ default: value, help });

/** Settings by key. `sparsity` and `block` exclude each other. */
export const SETTINGS = {
  layers: count(4, 'decoder blocks'),
  width: count(128, 'width of the residual stream'),
  heads: count(4, 'attention heads'),
  'kv-heads': count(4, 'key-value heads'),
  'feed-forward': count(384, 'width inside the feed-forward layer'),
  context: count(256, 'tokens a row'),
  activation: choice('relu2', ['relu2', 'silu'], 'activation of the gate'),
  'sub-layer-norms': flag(true, 'norms before the output and down projections'),
  'tied-embedding': flag(true, 'the head uses the embedding'),
  weights: choice('ternary', ['ternary', 'full'], 'weights of the linear layers'),
  activations: choice('int8', ['int8', 'full'], 'activations of the linear layers'),
  sparsity: number(0.6, 'share of inputs that top-K leaves out', 0),
  block: text('', 'KEEP:BLOCK selection instead of top-K, for instance 16:32'),
  'straight-through': flag(true, 'straight-through gradient past the selection'),
  rescale: choice('none', ['none', 'unit', 'preserve'], 'L2 rescale after selection'),
  tokenizer: choice('bpe', ['bpe', 'byte'], 'tokenizer, made from the text'),
  vocabulary: count(1024, 'tokens of the BPE vocabulary', 257),
  validation: number(0.05, 'share of the text held back', 0.0001, 0.5),
  steps: count(400, 'updates'),
  batch: count(8, 'rows a micro-batch'),
  accumulation: count(1, 'micro-batches an update'),
  'learning-rate': number(2e-3, 'peak learning rate', 1e-9),
  'final-share': number(0.1, 'share of the peak at the last step', 0, 1),
  schedule: choice('cosine', ['cosine', 'linear', 'constant', 'two-stage'], 'learning rate schedule'),
  warmup: count(20, 'steps to the peak', 0),
  'weight-decay': number(0.1, 'decay of matrices'),
  beta2: number(0.95, 'AdamW second moment', 0, 1),
  clip: number(1, 'largest gradient norm, 0 is off'),
  'sparsity-warmup': count(0, 'steps from dense to the full sparsity', 0),
  seed: count(1, 'seed of weights and of the order of rows', 0),
  'validate-every': count(100, 'steps between validations'),
  'validation-batches': count(8, 'batches of a validation'),
  'save-every': count(100, 'steps between checkpoints'),
  'sample-every': count(100, 'steps between sample texts, 0 is never', 0),
  'sample-prompt': text('The ', 'text that samples go on from'),
} satisfies Record<string, Rule<number> | Rule<string> | Rule<boolean>>;

export type Settings = { readonly [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K]['default'] };
export type SettingName = keyof Settings;

/** A setting that does not exist or cannot hold what came; `where` tells the file and line, or the flag. */
export class SettingError extends Error {
  readonly code = 'setting';
}

/** Options of the command line, from the table. */
export function settingOptions(): Record<string, Option> {
  return Object.fromEntries(
    Object.entries(SETTINGS as Record<string, Rule<unknown>>).map(
      ([name, { default: value, help, choices }]) => {
        const shown = value === '' ? '' : ` (default ${String(value)})`;
        return [
          name,
          { type: 'string', value: choices ? choices.join('|') : 'VALUE', help: `${help}${shown}` },
        ];
      },
    ),
  );
}

/** One value from a flag or a YAML file. Throws SettingError. */
export function parseSetting(name: string, value: unknown, where: string): Settings[SettingName] {
  const rule = (SETTINGS as Record<string, Rule<unknown>>)[name];
  if (!rule) {
    const near = nearestName(name, Object.keys(SETTINGS));
    throw new SettingError(
      `[${where}] there is no setting "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    );
  }
  const fail = (what: string) =>
    new SettingError(`[${where}] ${name} must be ${what}, got ${JSON.stringify(value)}`);
  if (typeof rule.default === 'number') {
    const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    const { min = 0, max = Number.MAX_VALUE, whole } = rule;
    const good =
      typeof parsed === 'number' &&
      parsed >= min &&
      parsed <= max &&
      (!whole || Number.isSafeInteger(parsed));
    if (!good)
      throw fail(
        `a ${whole ? 'whole ' : ''}number ${max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`}`,
      );
    return parsed;
  }
  if (typeof rule.default === 'boolean') {
    const parsed = { true: true, false: false }[String(value)];
    if (parsed === undefined) throw fail('true or false');
    return parsed;
  }
  if (typeof value !== 'string' || (rule.choices && !rule.choices.includes(value))) {
    throw fail(rule.choices ? `one of ${rule.choices.join(', ')}` : 'text');
  }
  return value;
}

/** Defaults, then the preset. Throws SettingError for a preset that does not exist. */
export function presetSettings(preset: string): Settings {
  const chosen = Object.hasOwn(PRESETS, preset) ? PRESETS[preset as keyof typeof PRESETS] : undefined;
  if (!chosen)
    throw new SettingError(
      `[train] there is no preset "${preset}"; choose one of ${Object.keys(PRESETS).join(', ')}`,
    );
  const defaults = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { default: value }]) => [name, value]),
  );
  return { ...defaults, ...chosen.settings } as Settings;
}
