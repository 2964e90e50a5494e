import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { it } from 'vitest';
import { loadTokenizer } from '../../src/pretrained/load-tokenizer.ts';

it('gold', async () => {
  const root = '/tmp/toks/folders/';
  const texts: string[] = JSON.parse(readFileSync('/tmp/toks/texts.json', 'utf8'));
  const big: string[] = JSON.parse(readFileSync('/tmp/toks/big.json', 'utf8'));
  const only = process.env.ONLY;
  for (const name of readdirSync(root)) {
    if (only && !name.startsWith(only)) continue;
    if (!existsSync(`${root}${name}/golden.json`)) continue;
    const g = JSON.parse(readFileSync(`${root}${name}/golden.json`, 'utf8'));
    const files = Object.fromEntries(
      readdirSync(root + name)
        .filter((f) => f !== 'golden.json')
        .map((f) => [f, readFileSync(`${root}${name}/${f}`)]),
    );
    let tok;
    try {
      tok = await loadTokenizer(files, { nameOf: (f) => `${name}/${f}` });
    } catch (e) {
      console.log(name, String(e));
      continue;
    }
    const bad: Record<string, string[]> = {};
    const check = (what: string, i: number, a: unknown, b: unknown) => {
      if (JSON.stringify(a) !== JSON.stringify(b))
        (bad[what] ??= []).push(
          `${i} ${JSON.stringify(texts[i])} ours ${JSON.stringify(a)} rust ${JSON.stringify(b)}`,
        );
    };
    texts.forEach((t, i) => {
      const ids = [...tok.encode(t)];
      check('ids', i, ids, g.ids[i]);
      check('noadd', i, [...tok.encode(t, { addSpecialTokens: false })], g.noadd[i]);
      check('decode', i, tok.decode(g.ids[i]), g.decode[i]);
      check('skip', i, tok.decode(g.ids[i], { specialTokens: 'skip' }), g.skip[i]);
      check(
        'text',
        i,
        [...tok.encode(t, { addSpecialTokens: false, specialTokens: 'text' })],
        g.special_as_text[i],
      );
    });
    big.forEach((t, i) =>
      check(
        'big',
        i,
        createHash('sha1')
          .update([...tok.encode(t)].join(','))
          .digest('hex'),
        g.big[i],
      ),
    );
    console.log(
      name,
      Object.entries(bad)
        .map(([k, v]) => `${k}:${v.length}\n   ${v.slice(0, 3).join('\n   ').slice(0, 1500)}`)
        .join('\n  ') || 'OK',
    );
  }
}, 500000);
