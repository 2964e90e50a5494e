import { startRuntime } from '@qsparse/backend-cpu/runtime';
import { expect, test } from 'vitest';

test('relaxed SIMD is found on every supported Node, and either build can be forced', async () => {
  for (const [wanted, got] of [
    ['auto', 'relaxed'],
    ['relaxed', 'relaxed'],
    ['baseline', 'baseline'],
  ] as const) {
    const runtime = await startRuntime({ threads: 1, simd: wanted });
    expect(runtime.simd).toBe(got);
    runtime.dispose();
  }
});
