/** A served model whose engine makes tokens without computing: as slow, as full and as broken as a test wants it. */
import { createByteTokenizer, createChatTemplate } from '@qsparse/data';
import { type EngineRequest, QueueFullError, type TextStep } from '@qsparse/models';
import { vi } from 'vitest';
import type { Limits, ServedModel } from '../../src/serve/served-model.ts';
import { type ModelServer, type ModelServerOptions, startServer } from '../../src/serve/server.ts';
import { createTokenTexts } from '../../src/serve/token-texts.ts';
import { TEMPLATE } from '../chat/chat-model.ts';

export const LIMITS: Limits = { body: 64 * 1024, texts: 8, maxTokens: undefined };
export const CONTEXT = 256;
const SPECIAL = ['<|endoftext|>', '<|end|>', '<|system|>', '<|user|>', '<|assistant|>'];

export interface FakeOptions {
  /** The text that is written over and over. */
  readonly text?: string;
  /** Milliseconds before each token. */
  readonly delay?: number;
  /** Texts that may be in work. */
  readonly most?: number;
  /** Thrown in place of the token of this index. */
  readonly failure?: { readonly at: number; readonly error: unknown };
  readonly template?: boolean;
}

export interface FakeModel extends ServedModel {
  /** Of each text that was handed in. */
  readonly requests: { readonly ids: readonly number[]; readonly options: EngineRequest }[];
  readonly active: () => number;
}

async function fakeModel({
  text = 'Hello, world. ',
  delay = 0,
  most = Infinity,
  failure,
  template = true,
}: FakeOptions = {}): Promise<FakeModel> {
  const tokenizer = createByteTokenizer({ specialTokens: SPECIAL });
  const script = tokenizer.encode(text);
  const requests: FakeModel['requests'] = [];
  let active = 0;
  async function* write(ids: readonly number[], options: EngineRequest): AsyncGenerator<TextStep> {
    const { maxTokens = 16, signal, logprobs, echoLogprobs } = options;
    const decoder = tokenizer.decoder();
    const likelier = [{ token: 121, logprob: -0.25 }].slice(0, logprobs);
    const prompt = ids.slice(1).map((token) => ({ token, logprob: -1, alternatives: likelier }));
    try {
      if (echoLogprobs) yield { text: '', prompt };
      for (let i = 0; i < maxTokens; i++) {
        if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
        if (signal?.aborted) return yield { text: '', end: 'aborted' };
        if (failure?.at === i) throw failure.error;
        const token = script[i % script.length]!;
        const alternatives = [{ token: 120, logprob: -2 }].slice(0, logprobs);
        const scores = logprobs === undefined ? {} : { logprob: -0.5, alternatives };
        yield { text: decoder.push(token), token: { token, ...scores } };
      }
      yield { text: decoder.flush(), end: 'length' };
    } finally {
      active--;
    }
  }
  return {
    id: 'fake',
    created: 1_700_000_000,
    tokenizer,
    tokenTexts: createTokenTexts(tokenizer),
    template: template ? await createChatTemplate(tokenizer, { template: TEMPLATE }) : undefined,
    contextLength: CONTEXT,
    requests,
    active: () => active,
    engine: {
      slots: 4,
      stats: () => ({ active, queued: 0, reusedTokens: 11 }),
      submit(prompt, options = {}) {
        if (active >= most) throw new QueueFullError(0, 1.2);
        active++;
        const ids = Array.from(prompt as ArrayLike<number>);
        requests.push({ ids, options });
        return write(ids, options);
      },
    },
  };
}

export interface Started extends ModelServer {
  readonly model: FakeModel;
  readonly reports: string[];
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

export async function startFake(
  fake: FakeOptions = {},
  options: Partial<ModelServerOptions> = {},
): Promise<Started> {
  const model = await fakeModel(fake);
  const reports: string[] = [];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits: LIMITS,
    report: (line) => reports.push(line),
    ...options,
  });
  server.open(model, { memory: () => ({ live: 5, programs: 2, free: 0, peak: 9, count: 1 }) });
  return {
    ...server,
    model,
    reports,
    post: (path, body, init) =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
  };
}

/** Of a JSON answer. */
export async function errorOf(
  response: Response,
): Promise<{ message: string; type: string; param: unknown; code: string }> {
  expectJson(response);
  const { error, ...rest } = (await response.json()) as {
    error: { message: string; type: string; param: unknown; code: string };
  };
  if (Object.keys(rest).length > 0 || !error) throw new Error('not the shape of an error');
  return error;
}

function expectJson(response: Response): void {
  if (!response.headers.get('content-type')?.startsWith('application/json')) throw new Error('not JSON');
}

export async function within(what: () => boolean, milliseconds = 5000): Promise<void> {
  await vi.waitUntil(what, { timeout: milliseconds, interval: 5 });
}
