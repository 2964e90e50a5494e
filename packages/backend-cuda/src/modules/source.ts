/** The CUDA sources of this package, which NVRTC compiles where no machine code is there for a GPU. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: two above src/modules and dist/modules. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

const SOURCES: string = join(PACKAGE, 'src/kernels');
export const FATBINS: string = join(PACKAGE, 'dist/fatbins');

/** NAME.cu with its headers put in, each once. */
export function sourceOf(name: string, folder: string = SOURCES): string {
  const seen = new Set<string>();
  const read = (file: string): string => {
    if (seen.has(file)) return '';
    seen.add(file);
    const text = readFileSync(join(folder, file), 'utf8').replace(/^#pragma once\n/m, '');
    // The emulator's headers belong to the tests.
    return text.replace(/^#include "(?!emulated)([^"]+)"$/gm, (_, header: string) => read(header));
  };
  return read(`${name}.cu`);
}

/** Names a source by its content. */
export function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** How many .cu files have machine code in this package. */
export function builtFatbins(): number {
  try {
    return readdirSync(FATBINS).filter((name) => name.endsWith('.fatbin')).length;
  } catch {
    return 0;
  }
}
