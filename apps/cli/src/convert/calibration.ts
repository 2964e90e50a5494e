/** A model and a text to measure it on: the mean loss with other configs for the same weights. */
import type { Device } from '@qsparse/core';
import { type EvaluationBatch, evaluationBatches, type Tokens, tokenizeDocuments } from '@qsparse/data';
import { readDocumentFiles } from '@qsparse/data/node';
import {
  createDecoder,
  type Decoder,
  type DecoderConfig,
  type LinearConfig,
  type Sparsity,
} from '@qsparse/layers';
import { loadWeights } from '@qsparse/models';
import { meanLoss } from '@qsparse/training';
import { trainableDecoder } from 'qsparse';
import { UsageError } from '../command.ts';
import { type Source, sourceTokenizer } from './source.ts';

export interface Calibration {
  readonly model: Decoder;
  /** The source's own config. */
  readonly config: DecoderConfig;
  readonly batches: readonly EvaluationBatch[];
  /** Tokens whose prediction counts. */
  readonly tokens: number;
  readonly signal: AbortSignal;
}

/** Longest row; most models are measured well on less than their context. */
const ROW = 256;
const BATCH = 8;

/**
 * Loads the source onto the device, which keeps it, and the first `tokens` tokens of the text. Throws UsageError for a
 * source without a tokenizer or a text without tokens.
 */
export async function openCalibration(
  source: Source,
  device: Device,
  {
    file,
    tokens: most,
    signal,
  }: { readonly file: string; readonly tokens: number; readonly signal: AbortSignal },
): Promise<Calibration> {
  const config = source.decoder;
  const tokens = (await readTokens(source, file, signal)).subarray(0, most + 1);
  if (tokens.length < 2)
    throw new UsageError(
      `[convert] --calibrate ${file}: a text of at least 2 tokens is required; give a longer one`,
    );
  const rowLength = Math.min(ROW, config.contextLength, tokens.length - 1);
  const batchSize = Math.min(BATCH, Math.ceil((tokens.length - 1) / rowLength));
  const batches = [...evaluationBatches(tokens, { rowLength, batchSize })];
  const model = createDecoder(device, config);
  const store = await source.openWeights();
  try {
    await loadWeights(model, store, { ternaryScale: source.ternaryScale, signal });
  } finally {
    await store.close();
  }
  return {
    model,
    config,
    batches,
    tokens: batches.reduce((sum, { predicted }) => sum + predicted, 0),
    signal,
  };
}

async function readTokens(source: Source, file: string, signal: AbortSignal): Promise<Tokens> {
  const tokenizer = await sourceTokenizer(source);
  if (!tokenizer)
    throw new UsageError(
      `[convert] --calibrate needs a tokenizer, ${source.name} has no tokenizer.json; add it`,
    );
  const documents: string[] = [];
  for await (const document of readDocumentFiles(file, { signal })) documents.push(document);
  return tokenizeDocuments(documents, tokenizer, { specialTokens: 'text', signal });
}

/** Mean loss in nats a token with another config of the same weights. Throws the signal's reason. */
export async function lossWith(calibration: Calibration, config: DecoderConfig): Promise<number> {
  const { model, batches, signal } = calibration;
  model.config = config;
  try {
    return await meanLoss(trainableDecoder(model), batches, { signal });
  } finally {
    model.config = calibration.config;
  }
}

/** The source's config with selection at the given sites alone. */
export function sparseAt(
  { config }: Calibration,
  sparsityBySite: Readonly<Record<string, Sparsity>>,
): DecoderConfig {
  const linear: LinearConfig = { ...config.linear, sparsity: { kind: 'dense' }, sparsityBySite };
  return { ...config, linear };
}
