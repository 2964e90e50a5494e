import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, type BatchOptions, createBatches } from '../../src/packing/batches.ts';

/** Every token is its own place, so that rows can be told. */
const stream = (length: number): Int32Array => Int32Array.from({ length }, (_, index) => index);

const take = (batches: Iterator<Batch>, count: number): Batch[] =>
  Array.from({ length: count }, () => batches.next().value as Batch);

const rowsOf = ({ tokens, shape: [rows, length] }: Batch): number[] =>
  Array.from({ length: rows }, (_, row) => tokens[row * length]! / length);

describe('createBatches', () => {
  it('gives rows with the following tokens as targets', () => {
    const [batch] = take(createBatches(stream(100), { rowLength: 8, batchSize: 3, seed: 1 }), 1);
    expect(batch?.shape).toEqual([3, 8]);
    expect(batch?.tokens).toHaveLength(24);
    for (const [at, token] of batch!.tokens.entries()) {
      expect(batch!.targets[at]).toBe(token + 1);
      expect(token % 8).toBe(at % 8);
    }
  });

  it('predicts every token but the first once in an epoch, the partial last row apart', () => {
    const batches = createBatches(stream(8 * 12 + 1 + 5), { rowLength: 8, batchSize: 4, seed: 3 });
    expect(batches.rowsPerEpoch).toBe(12);
    const targets = take(batches, 3).flatMap(({ targets }) => [...targets]);
    expect(targets.sort((a, b) => a - b)).toEqual(Array.from({ length: 96 }, (_, index) => index + 1));
  });

  it('fills the last batch of an epoch with rows of the next', () => {
    const batches = createBatches(stream(8 * 5 + 1), { rowLength: 8, batchSize: 3, seed: 3 });
    const rows = take(batches, 10).flatMap(rowsOf);
    expect(batches.position).toEqual({ epoch: 6, row: 0 });
    const epochs = Array.from({ length: 6 }, (_, epoch) => rows.slice(epoch * 5, epoch * 5 + 5));
    for (const epoch of epochs) expect(epoch.toSorted()).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(epochs.map(String)).size).toBeGreaterThan(1);
  });

  it('works with batches larger than several epochs', () => {
    const [batch] = take(createBatches(stream(9), { rowLength: 4, batchSize: 7, seed: 0 }), 1);
    expect(rowsOf(batch!).toSorted()).toEqual([0, 0, 0, expect.any(Number), 1, 1, 1]);
    expect(batch?.next).toEqual({ epoch: 3, row: 1 });
  });

  it('has one order for a seed, on every machine', () => {
    const order = (seed: number) =>
      take(createBatches(stream(81), { rowLength: 8, batchSize: 5, seed }), 4).flatMap(rowsOf);
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(2 ** 40)).not.toEqual(order(0));
    expect(order(1)).toEqual(GOLDEN);
  });

  it('goes on from any saved position as if nothing had happened', () => {
    const cases = fc.record({
      length: fc.integer({ min: 10, max: 200 }),
      rowLength: fc.integer({ min: 1, max: 9 }),
      batchSize: fc.integer({ min: 1, max: 12 }),
      seed: fc.oneof(fc.nat(), fc.maxSafeNat()),
      before: fc.nat(30),
    });
    fc.assert(
      fc.property(cases, ({ length, before, ...options }) => {
        const tokens = Uint16Array.from(stream(length));
        const whole = createBatches(tokens, options);
        const last = take(whole, before).at(-1);
        const position = JSON.parse(JSON.stringify(last?.next ?? { epoch: 0, row: 0 }));
        expect(whole.position).toEqual(position);
        const resumed = createBatches(Uint16Array.from(tokens), { ...options, position });
        expect(resumed.position).toEqual(position);
        expect(take(resumed, 12)).toEqual(take(whole, 12));
      }),
      { numRuns: 120 },
    );
  });

  it('starts each batch where the one before ended', () => {
    const batches = take(createBatches(stream(50), { rowLength: 4, batchSize: 5, seed: 9 }), 12);
    for (const [index, { start }] of batches.entries()) {
      expect(start).toEqual(batches[index - 1]?.next ?? { epoch: 0, row: 0 });
    }
  });

  it('can be left and gone on with', () => {
    const options = { rowLength: 4, batchSize: 2, seed: 9 };
    const batches = createBatches(stream(50), options);
    const seen: Batch[] = [];
    for (const batch of batches) if (seen.push(batch) === 2) break;
    for (const batch of batches) if (seen.push(batch) === 4) break;
    expect(seen).toEqual(take(createBatches(stream(50), options), 4));
  });

  it('gives each batch arrays of its own', () => {
    const tokens = stream(50);
    const batches = createBatches(tokens, { rowLength: 4, batchSize: 12, seed: 9 });
    take(batches, 1)[0]!.tokens.fill(-7);
    expect(tokens).toEqual(stream(50));
    expect(take(batches, 1)[0]!.tokens).not.toContain(-7);
  });

  it.each([
    [{ epoch: 0, row: 12 }, 'position'],
    [{ epoch: -1, row: 0 }, 'position'],
    [{ epoch: 0, row: -1 }, 'position'],
    [{ epoch: 0.5, row: 0 }, 'position'],
    [{ epoch: 0, row: Number.NaN }, 'position'],
    [{ epoch: '0', row: 0 } as never, 'position'],
    [{} as never, 'position'],
  ])('refuses the position %j', (position, code) => {
    const options: BatchOptions = { rowLength: 4, batchSize: 2, seed: 0, position };
    expect(() => createBatches(stream(50), options)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('a row from 0 to 11') }),
    );
  });

  it.each([
    [{ rowLength: 50 }, 'too-short'],
    [{ rowLength: 0 }, 'value'],
    [{ batchSize: 0 }, 'value'],
    [{ seed: -1 }, 'value'],
    [{ seed: 0.5 }, 'value'],
  ])('refuses %j', (change, code) => {
    const options = { rowLength: 4, batchSize: 2, seed: 0, ...change };
    expect(() => createBatches(stream(50), options)).toThrow(
      expect.objectContaining({ code, where: 'createBatches' }),
    );
  });
});

/** Two epochs of ten rows by seed 1, written down: another order would break the resumption of saved runs. */
const GOLDEN: readonly number[] = [9, 4, 5, 6, 1, 0, 8, 3, 7, 2, 2, 6, 3, 9, 5, 7, 4, 8, 0, 1];
