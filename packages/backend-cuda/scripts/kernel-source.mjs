// What a fatbin is built from and named by. The same as sourceOf and hashOf of src/modules/source.ts, which run from dist on
// a user's machine: test/modules/source.test.ts holds the two together, since a fatbin of another hash would not be used.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A source with its own headers put in, each once. @param {string} folder @param {string} file @returns {string} */
export function inlinedSource(folder, file, seen = new Set()) {
  if (seen.has(file)) return '';
  seen.add(file);
  const text = readFileSync(join(folder, file), 'utf8').replace(/^#pragma once\n/m, '');
  // The emulator's headers are for the tests alone.
  return text.replace(/^#include "([^"]+)"$/gm, (line, header) =>
    header.startsWith('emulated') ? line : inlinedSource(folder, header, seen),
  );
}

/** @param {string} text */
export function sourceHash(text) {
  return createHash('sha256').update(text).update('\0').digest('hex').slice(0, 16);
}
