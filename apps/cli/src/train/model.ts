/** From settings to the model's configuration. */
import { checkConfig, type DecoderConfig, type Sparsity } from '@qsparse/layers';
import { parseBlock } from '@qsparse/models';
import { SettingError, type Settings } from './settings.ts';

/** Throws SettingError or ValueError naming the setting. */
export function decoderConfig(settings: Settings, vocabularySize: number): DecoderConfig {
  const { width, heads } = settings;
  if (width % heads !== 0)
    throw new SettingError(`[train] width must be a multiple of heads, got ${width} and ${heads}`);
  const config: DecoderConfig = {
    vocabularySize,
    hiddenSize: width,
    intermediateSize: settings['feed-forward'],
    layers: settings.layers,
    heads,
    keyValueHeads: settings['kv-heads'],
    headSize: width / heads,
    contextLength: settings.context,
    slidingWindow: 0,
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
    activation: settings.activation === 'silu' ? 'silu' : 'squared-relu',
    subLayerNorms: settings['sub-layer-norms'],
    tiedEmbedding: settings['tied-embedding'],
    linear: {
      sparsity: sparsityOf(settings),
      weights: settings.weights as 'full' | 'ternary',
      activations: settings.activations as 'full' | 'int8',
      straightThrough: settings['straight-through'],
      rescale: settings.rescale as 'none' | 'unit' | 'preserve',
    },
  };
  checkConfig(config);
  return config;
}

function sparsityOf({ sparsity, block }: Settings): Sparsity {
  if (block !== '') {
    const parsed = parseBlock(block);
    if (!parsed)
      throw new SettingError(`[train] block must be KEEP:BLOCK, for instance 16:32, got "${block}"`);
    return parsed;
  }
  if (sparsity >= 1)
    throw new SettingError(`[train] sparsity must be at least 0 and below 1, got ${sparsity}; 0 is dense`);
  return sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity };
}

/** Share of inputs that the selection leaves out. */
export function targetSparsity(sparsity: Sparsity): number {
  if (sparsity.kind === 'dense') return 0;
  return sparsity.kind === 'top-k' ? sparsity.sparsity : 1 - sparsity.keep / sparsity.block;
}
