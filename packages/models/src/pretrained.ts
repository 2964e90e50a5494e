/** A model folder to a model on a device: config.json, then the weights, a tensor at a time. Tokenizers are elsewhere. */
import { type Device, ValueError } from '@qsparse/core';
import { parseConfig } from '@qsparse/formats';
import { type ComputeDType, createDecoder, type Decoder, type DecoderConfig } from '@qsparse/layers';
import { checkWeights, type LoadProgress, loadWeights } from './checkpoint.ts';
import { type FamilyConfig, parseModelConfig } from './config.ts';
import { type ModelFiles, openWeights, readModelFile } from './model-files.ts';
import { loadPackedDecode, requireDecoding } from './packed-decode-load.ts';
import { isPackedDecode } from './packed-format.ts';

export interface PretrainedOptions {
  /** What the model computes in; default f32. */
  readonly compute?: ComputeDType | undefined;
  /**
   * Tokens that the model is made for; default: what config.json says. Less saves memory: caches and tables are as long
   * as the context. With dynamic rope scaling also more, and the angles are those of that length.
   */
  readonly contextLength?: number | undefined;
  /** True to train the model: twice the memory. Default false. */
  readonly gradients?: boolean | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops between two tensors, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface PretrainedModel {
  readonly model: Decoder;
  readonly config: FamilyConfig;
}

/** Reads config.json alone. Throws FormatError naming file and key. */
export async function readModelConfig(files: ModelFiles, signal?: AbortSignal): Promise<FamilyConfig> {
  const { bytes, name } = await readModelFile(files, 'config.json', signal);
  return parseModelConfig(parseConfig(bytes, name), name);
}

/**
 * Loads a model onto a device; its owner disposes it. Host memory holds at most one tensor. Throws FormatError or
 * ValueError naming file, key or tensor, before memory is taken for the model where config and weights disagree.
 */
export async function loadPretrained(
  files: ModelFiles,
  device: Device,
  { compute, contextLength, gradients = false, onProgress, signal }: PretrainedOptions = {},
): Promise<PretrainedModel> {
  const config = await readModelConfig(files, signal);
  const { ternaryScale } = config;
  const decoder = withContext(config.decoder, contextLength);
  const store = await openWeights(files, signal);
  try {
    if (isPackedDecode(store)) {
      requireDecoding(store.name, { gradients, compute: compute ?? 'f32' });
      const model = await loadPackedDecode(device, decoder, store, { onProgress, signal });
      return { model, config: { ...config, decoder } };
    }
    checkWeights(decoder, store, { ternaryScale });
    const model = createDecoder(device, decoder, { compute, gradients });
    try {
      await loadWeights(model, store, { ternaryScale, onProgress, signal });
    } catch (error) {
      model.dispose();
      throw error;
    }
    return { model, config: { ...config, decoder } };
  } finally {
    await store.close();
  }
}

/** The config for texts of another length. Throws ValueError for one that the positions of the model do not reach. */
export function withContext(decoder: DecoderConfig, contextLength: number | undefined): DecoderConfig {
  if (contextLength === undefined) return decoder;
  const most = decoder.ropeScaling?.kind === 'dynamic' ? Number.MAX_SAFE_INTEGER : decoder.contextLength;
  if (Number.isInteger(contextLength) && contextLength >= 1 && contextLength <= most)
    return { ...decoder, contextLength };
  throw new ValueError(
    'model',
    `contextLength must be a whole number from 1 to ${most}, got ${contextLength}`,
    'longer contexts need rope scaling in config.json',
  );
}
