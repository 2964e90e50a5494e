import { cpuDevice } from '@qsparse/backend-cpu';
import { conformance } from '@qsparse/conformance';
import { describe } from 'vitest';

for (const threads of [1, 2]) {
  for (const simd of ['baseline', 'relaxed'] as const) {
    describe(`${threads} threads, ${simd} SIMD`, () => conformance(() => cpuDevice({ threads, simd })));
  }
}
