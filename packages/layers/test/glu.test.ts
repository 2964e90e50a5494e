import type { Device } from '@qsparse/core';
import { type Param, paramArena, tensor, write } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type GluLayer, gatedLinearUnit } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { TINY as DECODER } from './tiny-model.ts';

const TINY = { ...DECODER, hiddenSize: 2, intermediateSize: 3 };

function layerOn(device: Device): GluLayer {
  const { params } = paramArena(device, [
    { name: 'gateUp', shape: [6, 2] },
    { name: 'down', shape: [2, 3] },
  ]);
  const param = (name: string, values: readonly number[]): Param => {
    write(params.get(name)!, values);
    return params.get(name)!;
  };
  const site = (name: string) => ({ name, norm: undefined, epsilon: 1e-5 });
  return {
    gateUp: param('gateUp', [1, 0, 0, 1, -1, 0, /* up */ 1, 1, 2, 0, 1, 0]),
    down: param('down', [1, 0, 0, 0, 1, 1]),
    inputSite: site('gate-up'),
    downSite: site('down'),
  };
}

test('squared ReLU of the gate times up, then down', () => {
  const device = referenceDevice();
  const x = tensor(device, [2, 3], [1, 1, 2]);
  // gate [2, 3, -2], squared ReLU [4, 9, 0]; up [5, 4, 2]; product [20, 36, 0]; x is added.
  expect([...device.values(gatedLinearUnit(layerOn(device), x, TINY))]).toEqual([22, 39]);
});

test('SwiGLU', () => {
  const device = referenceDevice();
  const x = tensor(device, [2, 3], [1, 1, 2]);
  const silu = (value: number) => value / (1 + Math.exp(-value));
  const y = device.values(gatedLinearUnit(layerOn(device), x, { ...TINY, activation: 'silu' }));
  expect([...y]).toEqual(
    [2 + 5 * silu(2), 3 + 4 * silu(3) + 2 * silu(-2)].map((value) => expect.closeTo(value, 12)),
  );
});

test('two selections: gate and up share one', () => {
  const device = nullDevice();
  const layer = layerOn(device);
  const x = tensor(device, [2, 3], [1, 1, 2]);
  device.resetCounts();
  const linear = { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } } as const;
  gatedLinearUnit(layer, x, { ...TINY, linear });
  expect(device.counts().launches).toEqual({ sparsify: 1, 'gated-sparsify': 1, matmul: 2 });
});
