import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inlinedSource, sourceHash } from '../../scripts/kernel-source.mjs';
import { hashOf, sourceOf } from '../../src/modules/source.ts';

const folder = fileURLToPath(new URL('../../src/kernels', import.meta.url));
const names = readdirSync(folder).filter((file) => file.endsWith('.cu'));

test.each(names)("%s: the build names it by the source that is looked for on a user's machine", (file) => {
  const source = sourceOf(basename(file, '.cu'));
  expect(inlinedSource(folder, file)).toBe(source);
  expect(sourceHash(source)).toBe(hashOf(source));
  expect(source).not.toMatch(/#include "(?!emulated)/);
});
