import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer } from '@qsparse/data';
import { createDecoder, type Decoder, initialize } from '@qsparse/layers';
import { expect, test } from 'vitest';
import type { Corpus } from '../../src/train/corpus.ts';
import { decoderConfig } from '../../src/train/model.ts';
import { createProgress } from '../../src/train/progress.ts';
import { describeEnd, describeRun, resumeCommand } from '../../src/train/report.ts';
import { mergeSettings, presetSettings, type SomeSettings } from '../../src/train/settings.ts';
import { capturedOutput } from '../run-cli.ts';

const corpus: Corpus = {
  tokenizer: createByteTokenizer(),
  train: new Uint16Array(12_345),
  validation: Uint16Array.from({ length: 40 }, (_, i) => 97 + (i % 20)),
  bytesPerToken: 2,
};
const small: SomeSettings = {
  layers: 2,
  width: 8,
  heads: 2,
  'kv-heads': 2,
  'feed-forward': 8,
  context: 16,
  steps: 10,
};
const settingsOf = (some: SomeSettings = {}) =>
  mergeSettings(presetSettings('tiny'), { ...small, ...some }, 'test');
const last = {
  step: 4,
  loss: 2,
  learningRate: 1,
  gradientNorm: 1,
  tokensPerSecond: 1,
  tokens: 8,
  validationLoss: Math.LN2,
};

function seen(columns = 80) {
  const output = capturedOutput({ columns });
  return { output, progress: createProgress(output, { json: false, totalSteps: 10 }) };
}

test.each<[SomeSettings, string]>([
  [{}, 'in ternary linear layers that see 40 % of the inputs'],
  [{ sparsity: 0, weights: 'full' }, 'in full linear layers that see all inputs'],
  [{ block: '2:8' }, 'that see 2 of every 8 inputs'],
])('%j in words, with sizes', (some, words) => {
  const settings = settingsOf(some);
  const model = createDecoder(nullDevice(), decoderConfig(settings, 257));
  const { output, progress } = seen();
  describeRun(model, corpus, settings, progress);
  expect(output.out).toContain(words);
  expect(output.out).toContain('text       12 k tokens to train on, 640 in 10 steps; vocabulary 257');
  expect(output.out).toMatch(/memory {5}0\.\d MiB for parameters and gradients/);
});

async function endOf(stopped: boolean, columns?: number): Promise<string> {
  const settings = settingsOf({ activation: 'silu', activations: 'full', sparsity: 0.5 });
  const model: Decoder = createDecoder(referenceDevice(), decoderConfig(settings, 257));
  initialize(model, 1);
  const { output, progress } = seen(columns);
  const end = { path: 'runs/a b', last, losses: [4, 3, 2, 1], stopped };
  await describeEnd(model, corpus, settings, end, progress);
  return output.out;
}

test('the end: curve, sparsity by site, bits a byte, and commands that a shell takes', async () => {
  const out = await endOf(false);
  expect(out).toContain(
    'sparsity   50.0 % of the inputs of linear layers are zero, weighted by parameters (qkv 50.0 %, o 50.0 %, gate-up 50.0 %, down 50.0 %)',
  );
  expect(out).toContain('validation 0.6931 nats a token, 0.5000 bits a byte');
  expect(out).toContain('generate "runs/a b" --prompt "The "\n');
  expect(out).toContain('train --resume "runs/a b" --steps 20\n');
});

test('stopped early: only the line that goes on', async () => {
  const out = await endOf(true);
  expect(out).toContain('stopped after step 4, saved; go on with\n  qsparse train --resume "runs/a b"\n');
  expect(out).not.toContain('next');
});

test('the curve fits the terminal', async () => {
  for (const columns of [20, 50, 200])
    for (const line of (await endOf(true, columns)).split('\n').filter((text) => text.includes('┤')))
      expect([...line].length).toBeLessThan(Math.min(columns, 80));
});

test('folders are quoted for a shell', () => {
  expect(resumeCommand('runs/tiny-2')).toBe('qsparse train --resume runs/tiny-2');
  expect(resumeCommand('my runs')).toBe('qsparse train --resume "my runs"');
  expect(resumeCommand("it's $5")).toBe(`qsparse train --resume 'it'\\''s $5'`);
});
