/** The routes of the server, and how failures are answered. Knows nothing of sockets. */
import { setMaxListeners } from 'node:events';
import type { HttpBindings } from '@hono/node-server';
import { DisposedError, QSparseError, ValueError } from '@qsparse/core';
import { TokenizerError } from '@qsparse/data';
import { QueueFullError } from '@qsparse/models';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { createKeyCheck, requireLocalName } from './access.ts';
import { ApiError, type ErrorBody } from './api-error.ts';
import { chat } from './chat.ts';
import { readChatRequest } from './chat-request.ts';
import { readCompletionRequest } from './completion-request.ts';
import { complete } from './completions.ts';
import { unknownModel } from './generation-fields.ts';
import { readJsonBody } from './json-body.ts';
import { type Exchange, stopping } from './run-texts.ts';
import type { Limits, ServedModel } from './served-model.ts';
import type { ServerMetrics } from './server-metrics.ts';

export interface AppOptions {
  readonly model: ServedModel;
  readonly limits: Limits;
  readonly metrics: ServerMetrics;
  /** Undefined: everybody may. */
  readonly apiKey: string | undefined;
  /** Origins of web pages that may use the server; `*` is any. */
  readonly origins: readonly string[];
  /** Whether only names of this machine are taken. */
  readonly isLocal: boolean;
  /** No new work is taken. */
  readonly isStopping: () => boolean;
  /** Aborted where running answers end at once. */
  readonly stopped: AbortSignal;
  /** One line for people, of a failure that is not the client's. */
  readonly report: (line: string) => void;
}

type Env = { Bindings: HttpBindings };
type Handler = (context: Context<Env>) => Response | Promise<Response>;

export const ROUTES: readonly string[] = [
  '/v1/completions',
  '/v1/chat/completions',
  '/v1/models',
  '/v1/models/*',
  '/health',
  '/metrics',
];

export function createApp(options: AppOptions): Hono<Env> {
  const { model, limits, metrics, apiKey, origins, isLocal, isStopping } = options;
  const app = new Hono<Env>();
  const describe = (error: unknown): ErrorBody => answerOf(error, options).body;
  app.onError((error) => answerOf(error, options).response());
  app.notFound(({ req }) => {
    throw new ApiError(404, `there is no ${req.method} ${pathOf(req.raw)}; there is ${ROUTES.join(', ')}`, {
      code: 'unknown_url',
    });
  });
  // Before the key: a browser asks without it.
  if (origins.length > 0)
    app.use(
      cors({
        origin: origins.includes('*') ? '*' : [...origins],
        allowMethods: ['GET', 'POST'],
        exposeHeaders: ['Retry-After'],
      }),
    );
  const requireKey = apiKey === undefined ? () => {} : createKeyCheck(apiKey);
  app.use(async ({ req }, next) => {
    if (isLocal && apiKey === undefined) requireLocalName(req.raw);
    if (req.path !== '/health') requireKey(req.raw);
    await next();
  });

  const at = (method: 'GET' | 'POST', path: string, handler: Handler): void => {
    app.on(method, path, handler);
    app.all(path, ({ req }) => {
      throw new ApiError(405, `${pathOf(req.raw)} takes ${method}, got ${req.method}`, {
        code: 'method_not_allowed',
        headers: { allow: method === 'GET' ? 'GET, HEAD' : method },
      });
    });
  };
  const card = { id: model.id, object: 'model', created: model.created, owned_by: 'qsparse' };
  const details = { ...card, context_length: model.contextLength, max_model_len: model.contextLength };

  at('GET', '/health', () => {
    const { engine } = model;
    const { active, queued } = engine.stats();
    const status = isStopping() ? 'stopping' : 'ok';
    return Response.json(
      { status, model: model.id, active, queued, slots: engine.slots },
      { status: isStopping() ? 503 : 200 },
    );
  });
  at(
    'GET',
    '/metrics',
    () =>
      new Response(metrics.registry.text(), {
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
      }),
  );
  at('GET', '/v1/models', () => Response.json({ object: 'list', data: [details] }));
  at('GET', '/v1/models/:id{.+}', ({ req }) => {
    const id = req.param('id') ?? '';
    if (id !== model.id) throw unknownModel(id, model.id);
    return Response.json(details);
  });
  at('POST', '/v1/completions', async (context) => {
    const body = await bodyOf(context);
    const request = readCompletionRequest(body, model, limits);
    metrics.promptTokens.add(
      {},
      request.prompts.reduce((sum, { ids }) => sum + ids.length, 0),
    );
    return complete(model, request, exchangeOf(context, options), describe);
  });
  at('POST', '/v1/chat/completions', async (context) => {
    const body = await bodyOf(context);
    const request = readChatRequest(body, model, limits);
    metrics.promptTokens.add({}, request.ids.length);
    return chat(model, request, exchangeOf(context, options), describe);
  });
  return app;

  async function bodyOf({ req }: Context<Env>): Promise<Record<string, unknown>> {
    if (isStopping()) throw stopping();
    return readJsonBody(req.raw, limits.body);
  }
}

function exchangeOf({ req, env }: Context<Env>, { metrics, stopped }: AppOptions): Exchange {
  const start = performance.now();
  const { outgoing } = env;
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (req.raw.signal.aborted || stopped.aborted) abort();
  else {
    // Not AbortSignal.any: what it hangs on a signal that lives as long as the server stays there.
    setMaxListeners(0, stopped);
    stopped.addEventListener('abort', abort);
    outgoing.once('close', () => stopped.removeEventListener('abort', abort));
    req.raw.signal.addEventListener('abort', abort);
  }
  let hasToken = false;
  return {
    signal: controller.signal,
    abort,
    isStopped: () => stopped.aborted,
    disconnect() {
      if (!outgoing.writableFinished) outgoing.destroy();
    },
    onToken() {
      if (!hasToken) metrics.firstToken.observe((performance.now() - start) / 1000);
      hasToken = true;
      metrics.generatedTokens.add();
    },
  };
}

/** What went wrong as the client is told: its own faults in words, ours without what they hold. */
function answerOf(error: unknown, { report }: AppOptions): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFullError)
    return new ApiError(429, 'the queue is full; try again later', {
      code: 'queue_full',
      headers: { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterSeconds))) },
    });
  if (error instanceof DisposedError) return stopping();
  if (error instanceof ValueError) return new ApiError(400, error.message, { code: error.code });
  report(`[serve] ${error instanceof Error ? error.message : String(error)}`);
  // A TokenizerError: the model has rows that no token stands for, and drew one.
  const isKnown = error instanceof QSparseError || error instanceof TokenizerError;
  return new ApiError(500, isKnown ? error.message : 'the server failed; its own output says how', {
    code: isKnown ? error.code : 'internal_error',
    cause: error,
  });
}

const pathOf = (request: Request): string => new URL(request.url).pathname.slice(0, 200);
