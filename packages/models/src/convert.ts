/**
 * The config of a model that becomes a Q-Sparse model: another selection, ternary weights, another activation. Weights stay
 * as they are but for ternary ones that become full: stored-weights.ts.
 */
import { checkConfig, type DecoderConfig, type Sparsity } from '@qsparse/layers';
import type { WeightForm } from './stored-weights.ts';

export interface ConvertOptions {
  /** Default: what the model has. */
  readonly sparsity?: Sparsity | undefined;
  /** What single sites have in place of it. With `sparsity` alone all sites become alike. */
  readonly sparsityBySite?: Readonly<Record<string, Sparsity>> | undefined;
  /** `ternary` brings int8 activations (BitNet b1.58), `full` takes them away. Default: what the model has. */
  readonly weights?: 'ternary' | 'full' | undefined;
  /** Default: what the model has. */
  readonly activation?: DecoderConfig['activation'] | undefined;
}

export interface Conversion {
  readonly decoder: DecoderConfig;
  /** How `storedWeights` gives the weights of the new model. */
  readonly form: WeightForm;
}

/** Throws ValueError for a selection that does not fit the widths of the model. */
export function convertedDecoder(
  decoder: DecoderConfig,
  { sparsity, sparsityBySite, weights, activation }: ConvertOptions,
): Conversion {
  const { linear } = decoder;
  const chosen = sparsity !== undefined || sparsityBySite !== undefined;
  const converted: DecoderConfig = {
    ...decoder,
    activation: activation ?? decoder.activation,
    linear: {
      ...linear,
      sparsity: sparsity ?? linear.sparsity,
      sparsityBySite: chosen ? sparsityBySite : linear.sparsityBySite,
      ...(weights && { weights, activations: weights === 'ternary' ? 'int8' : 'full' }),
    },
  };
  checkConfig(converted);
  const losesRounding = linear.weights === 'ternary' && weights === 'full';
  return { decoder: converted, form: losesRounding ? 'rounded' : 'latent' };
}
