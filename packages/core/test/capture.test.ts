import {
  add,
  CaptureError,
  capture,
  copyInto,
  exp,
  fillWith,
  negate,
  type Op,
  OutOfMemoryError,
  reshape,
  rows,
  run,
  scale,
  scope,
  type Tensor,
  tensor,
  ValueError,
  write,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

type X = { readonly x: Tensor };
const device = referenceDevice();
const one = tensor(device, [1, 2]);

/** Calls a captured body until it is recorded or throws. */
function record(body: (ins: X, call: number) => unknown): void {
  let call = 0;
  const step = capture((ins: X) => body(ins, call));
  try {
    for (; call < 2; call++) step({ x: one });
  } finally {
    step.dispose();
  }
}

test('run, record, replay give the same; inputs are copied', () => {
  const step = capture(({ x }: X) => scale(exp(x), 2));
  for (let i = 0; i < 4; i++) {
    const x = tensor(device, [i, -i]);
    const y = step({ x });
    write(x, [9, 9]);
    x.dispose();
    expect([...device.values(y)]).toEqual([2 * Math.exp(i), 2 * Math.exp(-i)]);
    expect(step.program?.launches).toBe(i === 0 ? undefined : 2);
  }
  step.dispose();
});

test('a read throws at once, on the first call', () => {
  expect(() => record(({ x }) => x.data())).toThrow(CaptureError);
  expect(() => record(({ x }) => reshape(x, [2, 1]).data())).toThrow('[read] a captured body cannot read');
  expect(() => record(({ x }) => scale(x, 1).item())).toThrow(/^\[item\]/);
});

test('a host write throws', () => {
  expect(() => record(({ x }) => write(x, [1, 2]))).toThrow(CaptureError);
  expect(() => record(() => tensor(device, [1]))).toThrow('[write] a captured body cannot take values');
});

test('an async body is refused', () => {
  expect(() => record(async () => {})).toThrow(ValueError);
});

test('a number that moved names the op and both values', () => {
  const moved = () => record(({ x }, call) => scale(x, call + 1));
  expect(moved).toThrow(CaptureError);
  expect(moved).toThrow(/^\[scale\] op 0 of the captured body was .*"factor":1.*"factor":2.*input tensor/);
});

test('a new shape, another op, one op more and one op less name the op', () => {
  expect(() => record(({ x }, call) => negate(reshape(x, call === 0 ? [2] : [1, 2])))).toThrow(
    /^\[unary\] op 0 .*x f32 \[2\].*x f32 \[1, 2\]/,
  );
  expect(() => record(({ x }, call) => (call === 0 ? exp(x) : scale(x, 1)))).toThrow(/^\[scale\] op 0/);
  expect(() => record(({ x }, call) => (call === 0 ? x : scale(x, 1)))).toThrow(/^\[scale\] op 0 .*absent/);
  expect(() => record(({ x }, call) => (call === 0 ? add(exp(x), x) : exp(x)))).toThrow(
    '[binary] op 1 of the body ran on the first call and not on the second',
  );
});

test('a captured body cannot call another one', () => {
  const inner = capture(({ x }: X) => exp(x));
  expect(() => record((ins) => inner(ins))).toThrow('[capture] a captured body cannot call another one');
});

test('a failed recording leaves the device as it was, and the next call records', () => {
  const own = referenceDevice();
  const x = tensor(own, [1, 2]);
  const before = own.memory();
  let fail = false;
  const step = capture((ins: X) => {
    const y = exp(ins.x);
    if (fail) throw new Error('from the body');
    return y;
  });
  step({ x });
  fail = true;
  expect(() => step({ x })).toThrow('from the body');
  expect(own.memory()).toMatchObject({ live: before.live, count: before.count, programs: 0 });
  fail = false;
  expect([...own.values(step({ x }))]).toEqual([Math.E, Math.exp(2)]);
  expect(step.program?.launches).toBe(1);
  step.dispose();
  expect(own.memory()).toMatchObject({ live: before.live, programs: 0 });
});

test('a replay wants the inputs it was recorded with', () => {
  const step = capture(({ x }: X) => exp(x));
  step({ x: one });
  step({ x: one });
  expect(() => step({} as X)).toThrow('[capture] input x is missing; pass the inputs of the first call');
  expect(() => step({ x: tensor(device, [1, 2], [1, 2]) })).toThrow(
    'was f32 [2] when recorded, got f32 [1, 2]',
  );
  expect(() => step({ x: tensor(device, [1, 2], [2], 'i32') })).toThrow(CaptureError);
  expect(() => capture(() => {})({})).not.toThrow();
  step.dispose();
});

test('results live until the next call', () => {
  const step = capture(({ x }: X) => ({ y: scale(x, 3) }));
  const first = step({ x: one }).y;
  expect(first.released).toBe(false);
  const second = step({ x: one }).y;
  expect(first.released).toBe(true);
  expect(second.released).toBe(false);
  const third = step({ x: tensor(device, [5, 6]) }).y;
  expect([...device.values(third)]).toEqual([15, 18]);
  step.dispose();
  expect(third.released).toBe(true);
});

test('a scope around the call does not take the results', () => {
  const step = capture(({ x }: X) => scale(x, 3));
  for (let i = 0; i < 3; i++) {
    const y = scope(() => step({ x: tensor(device, [i, i]) }));
    expect([...device.values(y)]).toEqual([3 * i, 3 * i]);
  }
  step.dispose();
});

test('a result can be the next input', () => {
  const step = capture(({ x }: X) => scale(x, 2));
  let x = one;
  for (let i = 0; i < 5; i++) x = step({ x });
  expect([...device.values(x)]).toEqual([32, 64]);
  step.dispose();
});

test('what the body did not make is not freed when it is returned', () => {
  const state = zeros(device, [2]);
  const step = capture(({ x }: X) => {
    copyInto(state, x);
    return { state, x };
  });
  for (let i = 0; i < 3; i++) expect([...device.values(step({ x: one }).state)]).toEqual([1, 2]);
  step.dispose();
  expect(state.released).toBe(false);
  expect(one.released).toBe(false);
});

test('outside memory lives as long as the program that uses it', () => {
  const own = referenceDevice();
  const weight = tensor(own, [10, 20]);
  const x = tensor(own, [1, 2]);
  const step = capture((ins: X) => add(ins.x, weight));
  step({ x });
  step({ x });
  weight.dispose();
  for (let i = 0; i < 3; i++) zeros(own, [2]);
  expect([...own.values(step({ x }))]).toEqual([11, 22]);
  step.dispose();
});

test('a view of a result stays valid after dispose, and its memory is given back once', () => {
  const own = referenceDevice();
  const x = tensor(own, [1, 2]);
  const step = capture((ins: X) => scale(ins.x, 2));
  step({ x });
  const view = reshape(step({ x }), [2, 1]);
  step.dispose();
  const others = [zeros(own, [2]), zeros(own, [2]), zeros(own, [2])];
  expect([...own.values(view)]).toEqual([2, 4]);
  view.dispose();
  const [a, b] = [zeros(own, [2]), zeros(own, [2])];
  fillWith(a, 1);
  fillWith(b, 2);
  expect([...own.values(a)]).toEqual([1, 1]);
  for (const tensor of [...others, a, b, x]) tensor.dispose();
  expect(own.memory()).toMatchObject({ live: 0, count: 0, programs: 0 });
});

test('memory does not grow over 1,000 replays', () => {
  const counter = nullDevice();
  const step = capture(({ x }: X) => {
    let y = exp(x);
    for (let i = 1; i < 10; i++) {
      const before = y;
      y = exp(before);
      before.dispose();
    }
    return y;
  });
  const x = tensor(counter, new Float32Array(256));
  step({ x });
  step({ x });
  const before = counter.memory();
  counter.resetCounts();
  for (let i = 0; i < 1000; i++) step({ x });
  expect(counter.memory()).toEqual(before);
  expect(counter.counts().launches).toEqual({ copy: 1000, unary: 10_000 });
  // The chain needs two buffers at a time.
  expect(step.program?.bytes).toBe(2 * 1024);
  step.dispose();
  expect(counter.memory()).toMatchObject({ live: 1024, programs: 0 });
});

test('outside memory that the body disposes lives as long as the program', () => {
  const own = referenceDevice();
  const weight = tensor(own, [10, 20]);
  const x = tensor(own, [1, 2]);
  let call = 0;
  const step = capture((ins: X) => {
    const y = add(ins.x, weight);
    if (call === 1) weight.dispose();
    return y;
  });
  for (; call < 2; call++) step({ x });
  const others = [zeros(own, [2]), zeros(own, [2])];
  expect([...own.values(step({ x }))]).toEqual([11, 22]);
  step.dispose();
  for (const other of [...others, x]) other.dispose();
  expect(own.memory()).toMatchObject({ live: 0, count: 0, programs: 0 });
});

test('other outside memory, or another part of it, on the second call is named', () => {
  const pair = [tensor(device, [1, 2]), tensor(device, [3, 4])];
  const table = tensor(device, [1, 2, 3, 4], [2, 2]);
  expect(() => record(({ x }, call) => add(x, pair[call]!))).toThrow(
    /^\[binary\] op 0 of the captured body read b from one place .* another on the second; pass what changes/,
  );
  expect(() => record(({ x }, call) => add(x, reshape(rows(table, call, 1), [2])))).toThrow('read b from');
  expect(() => record(({ x }, call) => exp(rows(scale(x, 2), call, 1)))).toThrow('read x from');
  expect(() => record(({ x }) => add(x, pair[0]!))).not.toThrow();
});

test('numbers that JSON cannot tell apart are told apart', () => {
  const numbers: readonly (readonly [number, number])[] = [
    [0, -0],
    [Number.POSITIVE_INFINITY, Number.NaN],
  ];
  const odd: Op<'x', never, { readonly factor: number }> = {
    name: 'odd',
    infer: () => ({}),
    reference: () => {},
  };
  for (const pair of numbers) {
    const moved = () => record(({ x }, call) => void run(odd, { x }, { factor: pair[call]! }));
    expect(moved).toThrow(/^\[odd\] op 0/);
  }
});

test('inputs, and what the body uses, are on one device', () => {
  const other = nullDevice();
  const there = tensor(other, [1, 2]);
  const before = [device.memory(), other.memory()];
  const two = capture((ins: { readonly x: Tensor; readonly y: Tensor }) => exp(ins.x));
  expect(() => two({ x: one, y: there })).toThrow(
    '[capture] inputs must be on one device, x is on reference and y on null',
  );
  expect(() => record(() => exp(there))).toThrow(
    '[unary] a captured body works on one device, its inputs are on reference and x is on null',
  );
  expect([device.memory(), other.memory()]).toEqual(before);
});

test('after dispose the next call starts anew', () => {
  const own = referenceDevice();
  const x = tensor(own, [1, 2]);
  const step = capture((ins: X) => scale(ins.x, 2));
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3; i++) expect([...own.values(step({ x }))]).toEqual([2, 4]);
    step.dispose();
    step.dispose();
    expect(step.program).toBeUndefined();
    expect(own.memory()).toMatchObject({ count: 1, programs: 0 });
  }
});

test('no room for the inputs of a recording leaves nothing behind', () => {
  const small = nullDevice({ limit: 768 });
  const [a, b] = [tensor(small, [1]), tensor(small, [2])];
  const step = capture((ins: { readonly a: Tensor; readonly b: Tensor }) => void ins);
  step({ a, b });
  expect(() => step({ a, b })).toThrow(OutOfMemoryError);
  expect(small.memory()).toMatchObject({ live: 512, count: 2, programs: 0 });
});
