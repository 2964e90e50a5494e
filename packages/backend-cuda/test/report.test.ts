/** What `doctor` is told: one fact a line, with what is missing and what that costs. */
import { describe, expect, test } from 'vitest';
import type { Driver } from '../src/driver/driver.ts';
import { reportLines } from '../src/report.ts';

const driver = { path: '/lib/libcuda.so.1', version: 12_040 } as Driver;
const parts = {
  ...{ driver, products: 'own kernels', nvrtcPath: '/nowhere/libnvrtc.so', cacheFolder: '/cache' },
  memory: { free: 2 ** 30, total: 3 * 2 ** 30 },
};

describe('the report', () => {
  test('says what is there', () => {
    const lines = reportLines(parts);
    expect(lines).toContain('driver: /lib/libcuda.so.1, CUDA 12.4');
    expect(lines).toContain('memory: 1.0 GiB of 3.0 GiB free');
    expect(lines).toContain('matrix products: own kernels');
    expect(lines).toContain('cache: /cache');
    for (const line of lines) expect(line).not.toContain('\n');
  });

  test('says what is missing and what it is for', () => {
    const lines = reportLines({ ...parts, cacheFolder: '' });
    expect(lines.find((line) => line.startsWith('NVRTC'))).toMatch(
      /^NVRTC: missing \(\/nowhere\/libnvrtc\.so: .*\); needed only where no machine code fits the GPU$/,
    );
    expect(lines).toContain('cache: off; compiled kernels are not kept');
  });
});
