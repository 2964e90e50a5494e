/** A model server from its first moment to its last: it listens before the model is there, and ends in order. */
import type { Device } from '@qsparse/core';
import { ApiError } from './api-error.ts';
import { createApp, ROUTES } from './app.ts';
import { type HttpServerOptions, listen } from './http-server.ts';
import type { Limits, ServedModel } from './served-model.ts';
import { createServerMetrics } from './server-metrics.ts';

export interface ModelServerOptions
  extends Pick<HttpServerOptions, 'host' | 'port' | 'headTimeout' | 'requestTimeout'> {
  readonly limits: Limits;
  readonly apiKey?: string | undefined;
  readonly origins?: readonly string[] | undefined;
  /** One line for people. */
  readonly report: (line: string) => void;
}

export interface ModelServer {
  readonly port: number;
  /** `http://127.0.0.1:8000` */
  readonly url: string;
  /** Begins to answer; before that every request is told to come back later. */
  open(model: ServedModel, device: Pick<Device, 'memory'>): void;
  /** Takes no more work; resolves when the last answer has ended. */
  close(): Promise<void>;
  /** Ends running answers with an error that says so. */
  abort(): void;
}

/** Throws ListenError where the address cannot be had: before any model is loaded. */
export async function startServer({
  limits,
  apiKey,
  origins = [],
  report,
  ...options
}: ModelServerOptions): Promise<ModelServer> {
  const metrics = createServerMetrics(ROUTES);
  const stopped = new AbortController();
  let isStopping = false;
  let answer: HttpServerOptions['fetch'] = () => loading().response();
  const http = await listen({ ...options, metrics, fetch: (request, env) => answer(request, env) });
  return {
    port: http.port,
    url: http.url,
    open(model, device) {
      const { registry } = metrics;
      const { engine } = model;
      registry.gauge('qsparse_slots', 'Texts that are written at once.', () => engine.slots);
      registry.gauge('qsparse_active_slots', 'Texts that are being written.', () => engine.stats().active);
      registry.gauge('qsparse_queued_texts', 'Texts that wait for a slot.', () => engine.stats().queued);
      registry.total(
        'qsparse_reused_tokens_total',
        'Tokens of prompts that were still in a slot from a text that begins alike.',
        () => engine.stats().reusedTokens,
      );
      registry.gauge('qsparse_device_memory_bytes', 'Bytes in use on the device.', () => {
        const { live, programs } = device.memory();
        return live + programs;
      });
      const app = createApp({
        model,
        limits,
        metrics,
        apiKey,
        origins,
        isLocal: http.isLocal,
        isStopping: () => isStopping,
        stopped: stopped.signal,
        report,
      });
      answer = (request, env) => app.fetch(request, env);
    },
    close() {
      isStopping = true;
      return http.close();
    },
    abort: () => stopped.abort(),
  };
}

function loading(): ApiError {
  return new ApiError(503, 'the model is being loaded', { code: 'loading', headers: { 'retry-after': '5' } });
}
