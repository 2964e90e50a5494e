/** The metrics of a server: requests, tokens, times, and how full it is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Counter, createRegistry, type Histogram, type Registry } from './metrics.ts';

export interface ServerMetrics {
  readonly registry: Registry;
  readonly promptTokens: Counter;
  readonly generatedTokens: Counter;
  /** From a request to the first token of its answer. */
  readonly firstToken: Histogram;
  /** Counts a request when its answer is complete, or its client went away. */
  onRequest(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Counts a request that never became one: its head was no HTTP, too large or too slow. */
  onRefused(status: number): void;
}

/** The label of everything that is not a route. */
const OTHER = 'other';
/** As others count a client that went away (nginx). */
const CLIENT_GONE = '499';
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export function createServerMetrics(routes: readonly string[]): ServerMetrics {
  const registry = createRegistry();
  const requests = registry.counter(
    'qsparse_requests_total',
    'Requests that were answered, by route and status.',
  );
  const seconds = registry.histogram(
    'qsparse_request_duration_seconds',
    'From the head of a request to the end of its answer.',
    SECONDS,
  );
  const routeOf = ({ url = '' }: IncomingMessage): string => {
    const [path = ''] = url.split('?');
    return (
      routes.find((route) => (route.endsWith('/*') ? path.startsWith(route.slice(0, -1)) : path === route)) ??
      OTHER
    );
  };
  return {
    registry,
    promptTokens: registry.counter('qsparse_prompt_tokens_total', 'Tokens of prompts that were taken.'),
    generatedTokens: registry.counter('qsparse_generated_tokens_total', 'Tokens that the model made.'),
    firstToken: registry.histogram(
      'qsparse_time_to_first_token_seconds',
      'From a request to the first token of its answer, with the time in the queue.',
      SECONDS,
    ),
    onRequest(incoming, outgoing) {
      const start = performance.now();
      const route = routeOf(incoming);
      outgoing.once('close', () => {
        const status = outgoing.writableFinished ? String(outgoing.statusCode) : CLIENT_GONE;
        requests.add({ route, status });
        seconds.observe((performance.now() - start) / 1000, { route });
      });
    },
    onRefused: (status) => requests.add({ route: OTHER, status: String(status) }),
  };
}
