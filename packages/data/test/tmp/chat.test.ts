import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { createChatTemplate } from '../../src/chat/chat-template.ts';
import { createByteTokenizer } from '../../src/tokenizer/byte.ts';
it('chat', async () => {
  const cases = JSON.parse(readFileSync('/tmp/toks/chat.json', 'utf8'));
  const tok = { ...createByteTokenizer(), namedTokens: new Map([['bos_token', '<s>'], ['eos_token', '</s>']]) };
  const n: Record<string, number[]> = {};
  for (const c of cases) {
    const t = await createChatTemplate(tok, { template: c.template });
    n[c.name] ??= [0, 0, 0];
    let r: string | null = null; let err = '';
    try { r = t.render(c.messages, { addGenerationPrompt: c.gp, ...(c.tools && t.acceptsTools ? { tools: c.tools } : {}), variables: c.kw }); } catch (e) { err = (e as Error).message; }
    if (r === c.result) n[c.name]![r === null ? 2 : 0]!++; else { n[c.name]![1]!++; if (n[c.name]![1]! < 3) console.log(c.name, JSON.stringify(c.messages), c.gp, !!c.tools, '\n ours ', JSON.stringify(r), err, '\n  py  ', JSON.stringify(c.result), c.err); }
  }
  console.log(n);
}, 100000);
