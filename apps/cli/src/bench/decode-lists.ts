/**
 * Times what makes the lists of decoding, one row at a time: norm, selection and int8 levels of a token's inputs, and the
 * same of gated rows without a norm. One launch each, which follow one another in one recorded program, as in a decoding
 * step; the row and the norm's weights stay in the caches. What the lists must be, conformance says.
 */
import type { DType } from '@qsparse/core';
import { type ChannelList, gatedSparsifyList, sparsifyList } from '@qsparse/quantizers';
import { medianOf } from './decode-products.ts';
import { drawOn, type TimedDevice } from './timed-device.ts';

export interface ListTime {
  readonly op: 'sparsify-list' | 'gated-sparsify-list';
  /** Entries of the row; gated rows have gate and up of as many. */
  readonly width: number;
  /** Share of the entries that is left out. */
  readonly sparsity: number;
  /** Median over replays, of one launch among many. */
  readonly microseconds: number;
}

export interface ListOptions {
  readonly widths?: readonly number[];
  readonly sparsities?: readonly number[];
  readonly launches?: number;
}

/** Inputs of the products of 1.3B, BitNet 2B4T and 7B models. */
const LIST_WIDTHS: readonly number[] = [2048, 2560, 4096, 6912, 11_008];
const LIST_SPARSITIES: readonly number[] = [0, 0.5, 0.6];

export async function timeDecodeLists(
  device: TimedDevice,
  { widths = LIST_WIDTHS, sparsities = LIST_SPARSITIES, launches = 256 }: ListOptions = {},
): Promise<readonly ListTime[]> {
  const dtype: DType = device.caps.compute.includes('bf16') ? 'bf16' : 'f32';
  const draw = drawOn(device, 2);
  const times: ListTime[] = [];
  for (const width of widths) {
    const [x, gates, weight] = [draw([1, width], dtype), draw([1, 2 * width], dtype), draw([width], 'f32')];
    for (const sparsity of sparsities) {
      const k = Math.max(1, Math.round((1 - sparsity) * width));
      const time = async (op: ListTime['op'], work: () => ChannelList): Promise<void> => {
        times.push({ op, width, sparsity, microseconds: await medianOf(device, launches, work) });
      };
      await time('sparsify-list', () => sparsifyList(x, { k, weight, int8: true }));
      await time('gated-sparsify-list', () =>
        gatedSparsifyList(gates, { kind: 'squared-relu', k, int8: true }),
      );
    }
    for (const made of [x, gates, weight]) made.dispose();
  }
  return times;
}
