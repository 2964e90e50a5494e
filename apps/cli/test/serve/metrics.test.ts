import { expect, test } from 'vitest';
import { createRegistry } from '../../src/serve/metrics.ts';

test('the text format', () => {
  const registry = createRegistry();
  const requests = registry.counter('requests_total', 'Requests.');
  let queued = 3;
  registry.gauge('queued', 'Waiting.', () => queued);
  registry.total('read_total', 'Read.', () => queued);
  const seconds = registry.histogram('seconds', 'Times.', [0.1, 1]);
  requests.add({ route: '/a', status: '200' });
  requests.add({ route: '/a', status: '200' }, 2);
  requests.add({ route: 'quote " backslash \\ line\nbreak' });
  queued = 5;
  for (const time of [0.05, 0.1, 0.5, 30]) seconds.observe(time);
  seconds.observe(0.5, { route: '/b' });
  expect(registry.text()).toBe(`# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{route="/a",status="200"} 3
requests_total{route="quote \\" backslash \\\\ line\\nbreak"} 1
# HELP queued Waiting.
# TYPE queued gauge
queued 5
# HELP read_total Read.
# TYPE read_total counter
read_total 5
# HELP seconds Times.
# TYPE seconds histogram
seconds_bucket{le="0.1"} 2
seconds_bucket{le="1"} 3
seconds_bucket{le="+Inf"} 4
seconds_sum 30.65
seconds_count 4
seconds_bucket{route="/b",le="0.1"} 0
seconds_bucket{route="/b",le="1"} 1
seconds_bucket{route="/b",le="+Inf"} 1
seconds_sum{route="/b"} 0.5
seconds_count{route="/b"} 1
`);
});
