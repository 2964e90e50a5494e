/** A tiny model with random weights on the CPU device, served by the real engine. */
import type { Device } from '@qsparse/core';
import { createByteTokenizer, createChatTemplate } from '@qsparse/data';
import { createDecoder, DENSE, type Decoder, type DecoderConfig, initialize } from '@qsparse/layers';
import { createEngine, type Engine, type EngineOptions } from '@qsparse/models';
import { device as openDevice } from 'qsparse';
import type { Limits } from '../../src/serve/served-model.ts';
import { type ModelServer, startServer } from '../../src/serve/server.ts';
import { createTokenTexts } from '../../src/serve/token-texts.ts';
import { TEMPLATE } from '../chat/chat-model.ts';

const SPECIAL = ['<|endoftext|>', '<|end|>', '<|system|>', '<|user|>', '<|assistant|>'];
const CONTEXT = 4096;

const CONFIG: DecoderConfig = {
  vocabularySize: 256 + SPECIAL.length,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headSize: 8,
  contextLength: CONTEXT,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: false,
  linear: { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } },
};

export interface RealServer extends ModelServer {
  readonly device: Device;
  readonly model: Decoder;
  readonly engine: Engine;
  readonly reports: string[];
  /** Ends server, engine and device. */
  end(): Promise<void>;
}

export async function startReal(options: EngineOptions, limits: Partial<Limits> = {}): Promise<RealServer> {
  const device = await openDevice('cpu', { threads: 1 });
  const model = createDecoder(device, CONFIG);
  initialize(model, 7);
  const tokenizer = createByteTokenizer({ specialTokens: SPECIAL });
  const engine = createEngine(model, tokenizer, options);
  const reports: string[] = [];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits: { body: 2 ** 20, texts: 64, maxTokens: undefined, ...limits },
    report: (line) => reports.push(line),
  });
  const template = await createChatTemplate(tokenizer, { template: TEMPLATE });
  const tokenTexts = createTokenTexts(tokenizer);
  const served = { id: 'tiny', created: 1, tokenizer, tokenTexts, template, contextLength: CONTEXT, engine };
  server.open(served, device);
  return {
    ...{ ...server, device, model, engine, reports },
    async end() {
      await server.close();
      await engine.close();
      model.dispose();
      device.dispose();
    },
  };
}
