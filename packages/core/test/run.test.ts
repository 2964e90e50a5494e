import {
  accumulate,
  backward,
  type Device,
  DeviceError,
  DisposedError,
  hasKernel,
  matmul,
  NoKernelError,
  noGrad,
  type Op,
  type Param,
  paramArena,
  run,
  scale,
  scope,
  sum,
  tensor,
  write,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();

/** A reference device that lacks kernels for some ops. */
function without(...names: readonly string[]): ReferenceDevice {
  const plain = referenceDevice();
  return { ...plain, kernel: (op) => (names.includes(op.name) ? undefined : plain.kernel(op)) };
}

function paramOn(on: Device, values: readonly number[]): Param {
  const param = paramArena(on, [{ name: 'w', shape: [values.length] }]).params.get('w') as Param;
  write(param, values);
  return param;
}

/** y = 6x as scale(scale(x, 2), 3), optionally with a gradient rule of its own. */
function sixfold(withRule: boolean): Op<'x', 'y', null> {
  const op: Op<'x', 'y', null> = {
    name: 'sixfold',
    infer: ({ x }) => ({ y: x }),
    reference({ x }, { y }) {
      for (let i = 0; i < x.length; i++) y[i] = 6 * x[i]!;
    },
    composite: ({ x }) => ({ y: scale(scale(x, 2), 3) }),
  };
  return withRule ? { ...op, vjp: { save: [], pull: ({ d }) => ({ x: scale(d.y!, 6) }) } } : op;
}

test('inputs on two devices are refused with both names', () => {
  const other = nullDevice();
  const mixed = () => matmul(tensor(device, [1], [1, 1]), tensor(other, [1], [1, 1]));
  expect(mixed).toThrow(DeviceError);
  expect(mixed).toThrow('[matmul] inputs must be on one device, a is on reference and b on null');
});

test('an op without inputs has no device', () => {
  const op: Op<never, 'y', null> = {
    name: 'nothing',
    infer: () => ({ y: { dtype: 'f32', shape: [] } }),
    reference() {},
  };
  expect(() => run(op, {}, null)).toThrow('[nothing] an op needs at least one input to know its device');
});

test('a primitive without a kernel names the op and the device', () => {
  const on = without('scale');
  const ask = () => scale(tensor(on, [1]), 2);
  expect(ask).toThrow(NoKernelError);
  expect(ask).toThrow('[scale] device reference has no kernel for this op');
});

test('a fused op without a kernel runs its composite and frees what is between', () => {
  const on = without('sixfold');
  const op = sixfold(true);
  expect(hasKernel(on, op)).toBe(false);
  expect(hasKernel(device, op)).toBe(true);
  const x = tensor(on, [1, 2]);
  const { y } = run(op, { x }, null);
  expect([...on.values(y)]).toEqual([6, 12]);
  expect(on.memory().count).toBe(2);
});

test.each([
  ['kernel, own rule', device, true],
  ['composite, own rule', without('sixfold'), true],
  ['composite, rules of its parts', without('sixfold'), false],
] as const)('the gradient of a fused op: %s', (_how, on, withRule) => {
  const w = paramOn(on, [1, 2]);
  scope(() => backward(sum(run(sixfold(withRule), { x: w }, null).y), [w]));
  expect([...on.values(w.grad)]).toEqual([6, 6]);
});

test('a composite outside of any scope keeps its tape', () => {
  const on = without('sixfold');
  const w = paramOn(on, [1]);
  backward(sum(run(sixfold(false), { x: w }, null).y), [w]);
  expect([...on.values(w.grad)]).toEqual([6]);
});

test('an output that is tied to a given input is written in place', () => {
  const into = tensor(device, [10], [1, 1]);
  const a = tensor(device, [2], [1, 1]);
  const before = device.memory().count;
  expect(matmul(a, a, { into })).toBe(into);
  expect([...device.values(into)]).toEqual([14]);
  expect(device.memory().count).toBe(before);
  expect(matmul(a, a)).not.toBe(into);
});

test('a freed input throws before anything is allocated', () => {
  const x = tensor(device, [1]);
  x.dispose();
  const before = device.memory().count;
  expect(() => scope(() => scale(x, 2))).toThrow(DisposedError);
  expect(device.memory().count).toBe(before);
});

test('infer sees absent optional inputs as absent', () => {
  const seen: (readonly string[])[] = [];
  const op: Op<'x', 'y', null, 'extra'> = {
    name: 'optional',
    infer(ins) {
      seen.push(Object.keys(ins));
      return { y: ins.x };
    },
    reference() {},
  };
  const x = tensor(device, [1]);
  run(op, { x, extra: undefined }, null);
  run(op, { x, extra: x }, null);
  expect(seen).toEqual([['x'], ['x', 'extra']]);
});

test('only what depends on a parameter, outside of noGrad, is on the tape', () => {
  const w = paramOn(device, [1]);
  scope(() => {
    expect(scale(tensor(device, [1]), 2).value).toBeUndefined();
    expect(noGrad(() => scale(w, 2)).value).toBeUndefined();
    expect(scale(w, 2).value).toBeDefined();
  });
});

test('the tape keeps what the save list names and no more', () => {
  const saved: string[][] = [];
  const op = (save: readonly ('x' | 'y')[]): Op<'x', 'y', null> => ({
    ...sixfold(false),
    vjp: {
      save: () => save,
      pull(context) {
        saved.push(Object.keys(context.saved));
        return {};
      },
    },
  });
  const w = paramOn(device, [1, 2]);
  const count = () => device.memory().count;
  scope(() => {
    const before = count();
    const kept = [scope(() => sum(run(op([]), { x: scale(w, 1) }, null).y))];
    // Only the sum is left: neither of the two tensors behind it is needed.
    expect(count()).toBe(before + 1);
    kept.push(scope(() => sum(run(op(['x', 'y']), { x: scale(w, 1) }, null).y)));
    expect(count()).toBe(before + 4);
    for (const loss of kept) backward(loss, [w]);
    expect(count()).toBe(before + 2);
  });
  expect(saved).toEqual([[], ['x', 'y']]);
});

test('mutating ops are never on the tape', () => {
  const w = paramOn(device, [1]);
  const op: Op<'x', 'y', null> = { ...sixfold(true), mutates: ['x'] };
  scope(() => {
    expect(run(sixfold(true), { x: w }, null).y.value).toBeDefined();
    expect(run(op, { x: w }, null).y.value).toBeUndefined();
  });
});

test('a result in a dtype that the device does not compute in is refused like an input', () => {
  const plain = referenceDevice();
  const narrow: ReferenceDevice = { ...plain, caps: { ...plain.caps, compute: ['f32'] } };
  const op: Op<'x', 'y', null> = {
    ...sixfold(false),
    infer: ({ x }) => ({ y: { dtype: 'bf16', shape: x.shape } }),
  };
  expect(() => run(op, { x: tensor(narrow, [1]) }, null)).toThrow(
    '[sixfold] device reference computes in f32, y is bf16',
  );
  const moving: typeof op = { ...op, moves: true };
  expect(run(moving, { x: tensor(narrow, [1]) }, null).y.dtype).toBe('bf16');
});

test('an input that is only stored in another dtype is taken', () => {
  const plain = referenceDevice();
  const narrow: ReferenceDevice = { ...plain, caps: { ...plain.caps, compute: ['f32'] } };
  const op: Op<'x' | 'w', 'y', null> = {
    name: 'read',
    stored: ['w'],
    infer: ({ x }) => ({ y: { dtype: x.dtype, shape: x.shape } }),
    reference: ({ w }, { y }) => y.set(w),
  };
  const w = tensor(narrow, [3], [1], 'bf16');
  expect(narrow.values(run(op, { x: tensor(narrow, [1]), w }, null).y)[0]).toBe(3);
  expect(() => run(op, { x: w, w }, null)).toThrow('[read] device reference computes in f32, x is bf16');
});

test('a composite that adds in place gives the very tensor it added to', () => {
  const addInto: Op<'x', 'y', null, 'into'> = {
    name: 'add-into',
    inPlace: { y: 'into' },
    infer: ({ x }) => ({ y: x }),
    reference() {},
    composite({ x, into }) {
      if (!into) return { y: scale(x, 1) };
      accumulate(into, x);
      return { y: into };
    },
  };
  const on = without('add-into');
  const [x, into] = [tensor(on, [1, 2]), tensor(on, [10, 20])];
  expect(run(addInto, { x, into }, null).y).toBe(into);
  expect(on.values(into)).toEqual(Float64Array.of(11, 22));
  expect(run(addInto, { x }, null).y).not.toBe(x);
});
