/** From settings to the model's configuration. */
import type { Device } from '@qsparse/core';
import { type ComputeDType, checkConfig, type DecoderConfig, type Sparsity } from '@qsparse/layers';
import { parseBlock } from '@qsparse/models';
import { SettingError, type Settings } from './settings.ts';

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
    activation: settings.activation === 'silu' ? 'silu' : 'squared-relu',
    subLayerNorms: settings['sub-layer-norms'],
    tiedEmbedding: settings['tied-embedding'],
    linear: {
      sparsity,
      weights: settings.weights,
      activations: settings.activations,
      straightThrough: settings['straight-through'],
      rescale: settings.rescale,
    },
  };
  checkConfig(config);
  return config;
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
