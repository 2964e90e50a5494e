/** From settings to the model's configuration. */
import type { Device } from '@qsparse/core';
import {
  type ComputeDType,
  checkConfig,
  type DecoderConfig,
  type LinearConfig,
  LORA_TARGETS,
  type LoraOptions,
  type LoraTarget,
  type Sparsity,
} from '@qsparse/layers';
import { parseBlock } from '@qsparse/models';
import { SettingError, type SettingName, type Settings, type SomeSettings } from './settings.ts';

/** Throws SettingError naming the settings that do not fit together, ValueError for what no setting alone explains. */
export function decoderConfig(settings: Settings, vocabularySize: number): DecoderConfig {
  const { width, heads, 'kv-heads': keyValueHeads, 'feed-forward': feedForward } = settings;
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new SettingError(`[train] ${what}`);
  };
  require(width % heads === 0, `width must be a multiple of heads, got ${width} and ${heads}`);
  require((width / heads) % 2 === 0, `width / heads must be even, got ${width} / ${heads}`);
  require(heads % keyValueHeads ===
    0, `heads must be a multiple of kv-heads, got ${heads} and ${keyValueHeads}`);
  const sparsity = sparsityOf(settings);
  if (sparsity.kind === 'block') {
    const { block } = sparsity;
    require(width % block === 0, `width must be a multiple of the block ${settings.block}, got ${width}`);
    require(feedForward % block ===
      0, `feed-forward must be a multiple of the block ${settings.block}, got ${feedForward}`);
  }
  const config: DecoderConfig = {
    vocabularySize,
    hiddenSize: width,
    intermediateSize: feedForward,
    layers: settings.layers,
    heads,
    keyValueHeads,
    headSize: width / heads,
    contextLength: settings.context,
    slidingWindow: 0,
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
    activation: activationOf(settings),
    subLayerNorms: settings['sub-layer-norms'],
    tiedEmbedding: settings['tied-embedding'],
    linear: {
      ...selectionOf(settings, settings.layers),
      weights: settings.weights,
      activations: settings.activations,
      straightThrough: settings['straight-through'],
      rescale: settings.rescale,
    },
  };
  checkConfig(config);
  return config;
}

/** What a base model fixes, and what it has where nobody asks for something else. */
export function settingsOfBase(base: DecoderConfig): SomeSettings {
  const { linear } = base;
  const { sparsity } = linear;
  return {
    layers: base.layers,
    width: base.hiddenSize,
    heads: base.heads,
    'kv-heads': base.keyValueHeads,
    'feed-forward': base.intermediateSize,
    context: Math.min(base.contextLength, DEFAULT_CONTEXT),
    activation: base.activation === 'squared-relu' ? 'relu2' : base.activation,
    'sub-layer-norms': base.subLayerNorms,
    'tied-embedding': base.tiedEmbedding,
    weights: linear.weights,
    activations: linear.activations,
    method: sparsity.kind === 'relu' ? 'relu' : 'q-sparse',
    ...(sparsity.kind === 'block'
      ? { block: `${sparsity.keep}:${sparsity.block}` }
      : { sparsity: sparsity.kind === 'top-k' ? sparsity.sparsity : 0 }),
    'straight-through': linear.straightThrough,
    rescale: linear.rescale,
  };
}

/** Rows of a model with a longer context are this long, unless somebody asks for more: it is a matter of memory. */
const DEFAULT_CONTEXT = 512;

/** Settings that a base model decides. */
const OF_THE_BASE = [
  'layers',
  'width',
  'heads',
  'kv-heads',
  'feed-forward',
  'sub-layer-norms',
  'tied-embedding',
] as const satisfies readonly SettingName[];

/**
 * The base with what the settings change: selection, activation, rounding. Its context stays, rows may be shorter. Throws
 * SettingError for a setting that the base decides.
 */
export function continuedConfig(base: DecoderConfig, settings: Settings): DecoderConfig {
  const own = settingsOfBase(base);
  const refuse = (name: SettingName, has: unknown): never => {
    throw new SettingError(
      `[train] ${name} is that of ${settings.init}, ${has}, got ${settings[name]}; leave it out`,
    );
  };
  for (const name of OF_THE_BASE) if (settings[name] !== own[name]) refuse(name, own[name]);
  if (settings.context > base.contextLength) refuse('context', `at most ${base.contextLength}`);
  const same = (['method', 'sparsity', 'block'] as const).every(
    (name) => settings[name] === (own[name] ?? (name === 'block' ? '' : settings[name])),
  );
  const config: DecoderConfig = {
    ...base,
    activation: activationOf(settings),
    linear: {
      // The same selection keeps what single sites have of their own.
      ...(same ? base.linear : selectionOf(settings, base.layers)),
      weights: settings.weights,
      activations: settings.activations,
      straightThrough: settings['straight-through'],
      rescale: settings.rescale,
    },
  };
  checkConfig(config);
  return config;
}

/** Undefined where all weights are trained. Throws SettingError for a target that does not exist. */
export function loraOptions(settings: Settings): LoraOptions | undefined {
  const { 'lora-rank': rank, 'lora-alpha': alpha, 'lora-targets': text } = settings;
  if (rank === 0) return undefined;
  if (text === 'all') return { rank, alpha, targets: LORA_TARGETS };
  const targets = text.split(',').map((name) => `${name.trim().replace(/_proj$/, '')}_proj` as LoraTarget);
  const unknown = targets.find((target) => !LORA_TARGETS.includes(target));
  if (unknown === undefined) return { rank, alpha, targets: [...new Set(targets)] };
  throw new SettingError(
    `[train] lora-targets must be all or some of q,k,v,o,gate,up,down, got ${JSON.stringify(text)}`,
  );
}

function activationOf({ activation, method }: Settings): DecoderConfig['activation'] {
  if (method === 'relufication') return 'relu';
  if (method === 'drelu') return 'drelu';
  return activation === 'relu2' ? 'squared-relu' : activation;
}

/**
 * What sites let through. ReLUfication has ReLU behind both norms and in the gate, dReLU has it on gate and up (then nothing is
 * selected); `relu` has it in place of top-K everywhere.
 */
function selectionOf(settings: Settings, layers: number): Pick<LinearConfig, 'sparsity' | 'sparsityBySite'> {
  const relu: Sparsity = { kind: 'relu' };
  if (settings.method === 'q-sparse') return { sparsity: sparsityOf(settings) };
  if (settings.method === 'relu') return { sparsity: relu };
  const sparsity: Sparsity = { kind: 'dense' };
  if (settings.method === 'drelu') return { sparsity };
  const sites = Array.from({ length: layers }, (_, layer) =>
    ['qkv', 'gate-up'].map((site) => [`layers.${layer}.${site}`, relu] as const),
  );
  return { sparsity, sparsityBySite: Object.fromEntries(sites.flat()) };
}

function sparsityOf({ sparsity, block }: Settings): Sparsity {
  if (block === '') return sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity };
  const parsed = parseBlock(block);
  if (parsed) return parsed;
  throw new SettingError(
    `[train] block must be KEEP:BLOCK with KEEP from 1 to BLOCK, for instance 16:32, got ${JSON.stringify(block)}`,
  );
}

/** Throws SettingError for a dtype that the device does not compute in. */
export function computeDType({ compute }: Settings, { name, caps }: Device): ComputeDType {
  // A device that computes in float64 is there for its exactness.
  if (compute === 'auto') return caps.compute.includes('bf16') && !caps.float64 ? 'bf16' : 'f32';
  if (caps.compute.includes(compute)) return compute;
  throw new SettingError(
    `[train] device ${name} computes in ${caps.compute.join(' or ')}, got compute ${compute}; use --compute auto`,
  );
}
