/** Every family that a config.json can name. */
import { bitnet } from './bitnet.ts';
import type { Family } from './family.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qsparse } from './qsparse.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

export const FAMILIES: readonly Family[] = [qsparse, llama, mistral, qwen2, qwen3, bitnet];
