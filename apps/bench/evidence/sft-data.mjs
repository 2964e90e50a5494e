// Makes the examples of supervised fine-tuning out of public sets: instructions and the train splits of multiple choice, each as
// prompt and completion, scored later in the same form. Not a downloader: the folder of the sets is given.
//
//   node apps/bench/evidence/sft-data.mjs DATA OUT
//
// Writes OUT/train.jsonl and OUT/held.jsonl. Every twentieth row of a set is held out; test splits are never read.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const [from, to] = process.argv.slice(2);
if (!from || !to) {
  console.error('[sft-data] two folders are required; usage: node apps/bench/evidence/sft-data.mjs DATA OUT');
  process.exit(2);
}
/** Of so many rows one is held out. */
const HELD = 20;
const CHOICES = ['arc-easy/train.jsonl', 'openbookqa/train.jsonl', 'commonsenseqa/train.jsonl'];
const INSTRUCTIONS = 'sft-instructions/instructions.jsonl';

const sets = [
  ...CHOICES.map((name) => ({
    name,
    rows: rowsOf(name).map(({ query, choices, gold }) => ({ prompt: query, completion: choices[gold] })),
  })),
  {
    name: INSTRUCTIONS,
    rows: rowsOf(INSTRUCTIONS).map(({ instruction, input, output }) => ({
      prompt: `Question: ${instruction}${input ? `\n${input}` : ''}\nAnswer:`,
      completion: output,
    })),
  },
];
mkdirSync(to, { recursive: true });
const parts = { train: [], held: [] };
for (const { name, rows } of sets) {
  const usable = rows.filter(({ prompt, completion }) => prompt?.trim() && completion?.trim());
  for (const [i, row] of usable.entries()) parts[i % HELD === HELD - 1 ? 'held' : 'train'].push(row);
  console.log(`${name}: ${usable.length} examples`);
}
for (const [part, rows] of Object.entries(parts)) {
  writeFileSync(join(to, `${part}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  console.log(`${part}: ${rows.length} examples`);
}

/** @param {string} name */
function rowsOf(name) {
  const path = join(from, name);
  const bytes = existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
