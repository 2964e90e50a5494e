import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referenceDevice } from '@qsparse/core/reference';
import { describe, expect, test } from 'vitest';
import { verifyFolder } from '../src/verify/verify.ts';

const goldens = fileURLToPath(new URL('./fixtures/goldens', import.meta.url));
const folders = readdirSync(goldens);

describe('reference', () => {
  test.each(folders)('%s', async (name) => {
    const { checks } = await verifyFolder(`${goldens}/${name}`, referenceDevice());
    expect(checks.filter(({ pass }) => !pass)).toEqual([]);
    expect(checks.length).toBeGreaterThan(20);
  });
});
