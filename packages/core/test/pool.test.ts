import { type Heap, OutOfMemoryError, Pool } from '@qsparse/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** A heap that checks its use: sizes by slot, at most `limit` bytes. */
function heapOf(limit = Number.POSITIVE_INFINITY): Heap & { readonly held: Map<number, number> } {
  const held = new Map<number, number>();
  let next = 1;
  return {
    held,
    reserve(bytes) {
      const total = [...held.values()].reduce((sum, size) => sum + size, 0);
      if (total + bytes > limit) return undefined;
      held.set(next, bytes);
      return next++;
    },
    release(slot) {
      if (!held.delete(slot)) throw new Error(`slot ${slot} was not reserved`);
    },
  };
}

test('freed slots are reused, for sizes at least half as large', () => {
  const heap = heapOf();
  const pool = new Pool('test', heap);
  const slot = pool.alloc(1000);
  expect(pool.report()).toEqual({ live: 1024, programs: 0, free: 0, peak: 1024, count: 1 });
  pool.free(slot);
  expect(pool.report()).toEqual({ live: 0, programs: 0, free: 1024, peak: 1024, count: 0 });
  expect(pool.alloc(512)).toBe(slot);
  pool.free(slot);
  expect(pool.alloc(256)).not.toBe(slot);
  expect(pool.alloc(1025)).not.toBe(slot);
  expect(pool.alloc(700)).toBe(slot);
});

test('empty allocations take room, so that slots differ', () => {
  const pool = new Pool('test', heapOf());
  expect(pool.alloc(0)).not.toBe(pool.alloc(0));
});

test('out of memory gives free slots back first, then says what is in use', () => {
  const heap = heapOf(4096);
  const pool = new Pool('test', heap);
  const small = [pool.alloc(1024), pool.alloc(1024), pool.alloc(1024)];
  pool.free(small[0]!);
  pool.free(small[1]!);
  const large = pool.alloc(3072);
  expect(pool.report()).toMatchObject({ live: 4096, free: 0, count: 2 });
  expect(heap.held.size).toBe(2);
  const ask = () => pool.alloc(1);
  expect(ask).toThrow(OutOfMemoryError);
  expect(ask).toThrow(
    /^\[test\] no room for 0\.0 MiB: 0\.0 MiB in 2 tensors and 0\.0 MiB in captured programs/,
  );
  pool.free(large);
  expect(ask).not.toThrow();
});

test('a recording has memory of its own, frozen when it ends', () => {
  const pool = new Pool('test', heapOf());
  const general = pool.alloc(256);
  const recording = pool.record();
  const a = pool.alloc(256);
  pool.free(a);
  expect(pool.alloc(256)).toBe(a);
  const b = pool.alloc(512);
  pool.free(b);
  recording.end();
  expect(recording.bytes).toBe(768);
  expect(pool.report()).toMatchObject({ live: 256, programs: 768, count: 1 });
  // Neither what was free inside nor what is freed later is handed out.
  pool.free(a);
  expect([a, b]).not.toContain(pool.alloc(256));
  expect([a, b]).not.toContain(pool.alloc(512));
  pool.free(general);
  recording.dispose();
  expect(pool.report()).toMatchObject({ live: 768, programs: 0, count: 2 });
  expect(pool.report().free).toBe(1024);
});

test('general memory that is freed during a recording goes back to general use', () => {
  const pool = new Pool('test', heapOf());
  const general = pool.alloc(256);
  const recording = pool.record();
  pool.free(general);
  recording.end();
  recording.dispose();
  expect(pool.alloc(256)).toBe(general);
});

test('what tensors still hold after dispose is given back once, by them', () => {
  const pool = new Pool('test', heapOf());
  const recording = pool.record();
  const held = pool.alloc(256);
  recording.end();
  recording.dispose();
  expect(pool.report()).toMatchObject({ live: 256, programs: 0, free: 0, count: 1 });
  expect(pool.alloc(256)).not.toBe(held);
  pool.free(held);
  expect(pool.report()).toMatchObject({ live: 256, free: 256, count: 1 });
  recording.dispose();
  expect(pool.report()).toMatchObject({ live: 256, free: 256 });
});

test('no slot is handed out twice, and the sums stay right', () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('alloc' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ do: fc.constant('free' as const), which: fc.nat() }),
    fc.record({ do: fc.constantFrom('record' as const, 'end' as const, 'dispose' as const) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const heap = heapOf();
      const pool = new Pool('test', heap);
      const held: number[] = [];
      const programs: ReturnType<Pool['record']>[] = [];
      let recording: ReturnType<Pool['record']> | undefined;
      for (const step of actions) {
        if (step.do === 'alloc') {
          const slot = pool.alloc(step.bytes);
          expect(held).not.toContain(slot);
          expect(heap.held.get(slot)).toBeGreaterThanOrEqual(step.bytes);
          held.push(slot);
        } else if (step.do === 'free' && held.length > 0) {
          pool.free(held.splice(step.which % held.length, 1)[0]!);
        } else if (step.do === 'record') {
          recording ??= pool.record();
        } else if (step.do === 'end' && recording) {
          recording.end();
          programs.push(recording);
          recording = undefined;
        } else if (step.do === 'dispose') {
          programs.pop()?.dispose();
        }
        const { live, programs: owned, free } = pool.report();
        expect(live + owned + free).toBe([...heap.held.values()].reduce((sum, size) => sum + size, 0));
      }
      recording?.end();
      for (const program of recording ? [...programs, recording] : programs) program.dispose();
      for (const slot of held) pool.free(slot);
      expect(pool.report()).toMatchObject({ live: 0, programs: 0, count: 0 });
    }),
  );
});
