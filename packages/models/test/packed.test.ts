import { referenceDevice } from '@qsparse/core/reference';
import { packDecoder } from '@qsparse/layers';
import { createEngine, type GenerateOptions, generateBatch, generateTokens } from '@qsparse/models';
import { expect, test } from 'vitest';
import { idCodec } from './id-codec.ts';
import { TERNARY_TOP_K, tinyModel } from './tiny-model.ts';

test('every way to generate gives the same tokens with packed weights', async () => {
  const device = referenceDevice();
  const model = tinyModel(device, { linear: TERNARY_TOP_K });
  const alone = async (options: GenerateOptions) => {
    const tokens: number[] = [];
    for await (const token of generateTokens(model, [1, 2, 3], options)) tokens.push(token);
    return tokens;
  };
  const all = async () => {
    const engine = createEngine(model, idCodec, { slots: 2 });
    const served: string[] = [];
    for (const prompt of [
      [4, 5],
      [6, 7, 8],
    ]) {
      let text = '';
      for await (const step of engine.submit(prompt, { temperature: 0, maxTokens: 6 })) text += step.text;
      served.push(text);
    }
    await engine.close();
    const batch = ['', ''];
    const prompts = [
      [1, 2],
      [3, 4, 5],
    ];
    for await (const { index, text } of generateBatch(model, idCodec, prompts, {
      temperature: 0,
      maxTokens: 8,
    }))
      batch[index] += text;
    // Beyond the context of 16, which is read anew from its newest half.
    const long = await alone({ temperature: 0, maxTokens: 30 });
    return { served, batch, long, drawn: await alone({ temperature: 1, seed: 5, maxTokens: 10 }) };
  };
  const dense = await all();
  expect(dense.long).toHaveLength(30);
  model.packed = await packDecoder(model);
  expect(await all()).toEqual(dense);
  model.dispose();
  expect(device.memory()).toMatchObject({ count: 0, programs: 0 });
});
