/** The driver API of the emulator: handles, memory, capture and replay, events, late work, injected failures. */
import { describe, expect, test } from 'vitest';
import { type Fixtures, missing, openFixtures } from './fixture-driver.ts';

const emulator = missing ? ({} as Fixtures) : openFixtures({ checks: true });
const { start, set, count, call, make, failure } = emulator;
const INVALID_VALUE = 1;
const OUT_OF_MEMORY = 2;
const INVALID_IMAGE = 200;
const INVALID_CONTEXT = 201;
const INVALID_HANDLE = 400;
const NOT_FOUND = 500;
const NOT_READY = 600;
const ILLEGAL_ADDRESS = 700;
const CAPTURE_UNSUPPORTED = 900;
const CAPTURE_INVALIDATED = 901;
const CAPTURED_EVENT = 907;

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const numbers = (bytes: ArrayBuffer): number[] => [...new Float32Array(bytes)];
const ones = (length: number): Float32Array<ArrayBuffer> => new Float32Array(length).fill(1);
const doubling = (y: number, length = 4) => ({ x: y, y, n: length, block: [32] });

function endCapture(stream: number): number {
  const graph = new BigUint64Array(1);
  expect(call('cuStreamEndCapture', stream, graph)).toBe(0);
  return Number(graph[0]);
}

describe.skipIf(missing)('memory', () => {
  test('is limited, counted, and given back', () => {
    const gpu = start();
    set('MEMORY', '1000000');
    const info = (): bigint[] => {
      const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
      expect(call('cuMemGetInfo_v2', free, total)).toBe(0);
      return [free[0]!, total[0]!];
    };
    expect(info()).toEqual([1000000n, 1000000n]);
    const address = gpu.alloc(700000);
    expect(address % 256).toBe(0);
    expect(info()).toEqual([300000n, 1000000n]);
    expect(call('cuMemAlloc_v2', new BigUint64Array(1), 300001)).toBe(OUT_OF_MEMORY);
    expect(call('cuMemAlloc_v2', new BigUint64Array(1), 0)).toBe(INVALID_VALUE);
    expect([count('allocations'), count('bytes')]).toEqual([1, 700000]);
    expect(call('cuMemFree_v2', address + 256)).toBe(INVALID_VALUE);
    expect(call('cuMemFree_v2', address)).toBe(0);
    expect(call('cuMemFree_v2', address)).toBe(INVALID_VALUE);
    expect(info()[0]).toBe(1000000n);
    const pinned = make('cuMemHostAlloc', 100, 0);
    expect([count('hostAllocations'), call('cuMemFree_v2', pinned)]).toEqual([1, INVALID_VALUE]);
    expect([call('cuMemFreeHost', pinned), count('hostAllocations')]).toEqual([0, 0]);
  });

  test('many allocations of odd sizes stay apart', () => {
    const gpu = start();
    const sizes = Array.from({ length: 300 }, (_, i) => 1 + ((i * 7919) % 9000));
    const all = sizes.map((size, i) => gpu.upload(new Uint8Array(size).fill(i)));
    for (const [i, address] of all.entries()) if (i % 3 === 0) expect(call('cuMemFree_v2', address)).toBe(0);
    for (const [i, address] of all.entries()) {
      if (i % 3 === 0) continue;
      expect(new Uint8Array(gpu.download(address, sizes[i]!)).every((byte) => byte === i % 256)).toBe(true);
    }
  });

  test('copies and fills stay inside of one allocation', () => {
    const gpu = start();
    const [from, to] = [gpu.upload(ones(4)), gpu.alloc(16)];
    expect(call('cuMemcpyDtoDAsync_v2', to, from, 16, gpu.stream)).toBe(0);
    expect(numbers(gpu.download(to, 16))).toEqual([1, 1, 1, 1]);
    expect(call('cuMemsetD32Async', to + 4, 0x40000000, 2, gpu.stream)).toBe(0);
    expect(call('cuMemsetD8Async', to + 12, 0, 4, gpu.stream)).toBe(0);
    expect(numbers(gpu.download(to, 16))).toEqual([1, 2, 2, 0]);
    expect(call('cuMemcpyDtoDAsync_v2', to, from, 17, gpu.stream)).toBe(INVALID_VALUE);
    expect(call('cuMemcpyDtoDAsync_v2', to, 4096, 16, gpu.stream)).toBe(INVALID_VALUE);
    expect(call('cuMemsetD8Async', to - 1, 0, 4, gpu.stream)).toBe(INVALID_VALUE);
    expect(call('cuMemsetD32Async', to + 2, 0, 1, gpu.stream)).toBe(INVALID_VALUE);
  });

  test('freed memory is not there for kernels', () => {
    const gpu = start('blocks');
    const y = gpu.upload(ones(4));
    call('cuMemFree_v2', y);
    expect(gpu.launch('double_each', doubling(y))).toBe(ILLEGAL_ADDRESS);
    expect(failure()).toMatch(/or freed|not an address/);
    expect(call('cuMemAlloc_v2', new BigUint64Array(1), 16)).toBe(ILLEGAL_ADDRESS);
  });
});

describe.skipIf(missing)('modules and launches', () => {
  test('names and handles', () => {
    const gpu = start('blocks');
    const module = make('cuModuleLoadData', text('EMULATED:warps'));
    expect(call('cuModuleLoadData', new BigUint64Array(1), text('EMULATED:nothing'))).toBe(INVALID_IMAGE);
    expect(call('cuModuleLoadData', new BigUint64Array(1), text('\x7fELF'))).toBe(INVALID_IMAGE);
    expect(call('cuModuleGetFunction', new BigUint64Array(1), module, text('double_each'))).toBe(NOT_FOUND);
    const kernel = make('cuModuleGetFunction', module, text('votes'));
    expect(call('cuFuncSetAttribute', kernel, 8, 232448)).toBe(0);
    expect(call('cuFuncSetAttribute', kernel, 8, 232449)).toBe(INVALID_VALUE);
    expect(call('cuModuleUnload', module)).toBe(0);
    expect(call('cuFuncSetAttribute', kernel, 8, 1024)).toBe(INVALID_HANDLE);
    expect(call('cuStreamSynchronize', gpu.stream + 8)).toBe(INVALID_HANDLE);
  });

  test('sizes of grid, block and shared memory', () => {
    const gpu = start('blocks');
    const y = gpu.upload(ones(4));
    for (const options of [
      { grid: [0] },
      { grid: [1, 65536] },
      { block: [257] },
      { block: [0] },
      // Its file has variables of its own, which count.
      { shared: 49152 },
    ])
      expect(gpu.launch('double_each', { ...doubling(y), ...options }), JSON.stringify(options)).toBe(
        INVALID_VALUE,
      );
    expect(gpu.launch('double_each', { ...doubling(y), shared: 40960 })).toBe(0);
    expect(numbers(gpu.download(y, 16))).toEqual([2, 2, 2, 2]);
  });

  test('what an older GPU gives less of', () => {
    start();
    const attribute = (which: number): number => {
      const out = new Int32Array(1);
      expect(call('cuDeviceGetAttribute', out, which, 0)).toBe(0);
      return out[0]!;
    };
    expect([attribute(75), attribute(76), attribute(16), attribute(97)]).toEqual([9, 0, 4, 232448]);
    set('CAPABILITY', '75');
    set('MULTIPROCESSORS', '132');
    expect([attribute(75), attribute(76), attribute(16), attribute(97)]).toEqual([7, 5, 132, 65536]);
  });
});

describe.skipIf(missing)('capture and replay', () => {
  test('records instead of running, and replays with the arguments of then', () => {
    const gpu = start('blocks');
    const y = gpu.upload(ones(4));
    const copy = gpu.alloc(16);
    expect(call('cuStreamBeginCapture_v2', gpu.stream, 0)).toBe(0);
    expect(gpu.enqueue('double_each', doubling(y))).toBe(0);
    expect(call('cuMemcpyDtoDAsync_v2', copy, y, 16, gpu.stream)).toBe(0);
    expect(call('cuMemsetD8Async', copy, 0, 4, gpu.stream)).toBe(0);
    const graph = endCapture(gpu.stream);
    const nodes = new BigUint64Array(1);
    expect([call('cuGraphGetNodes', graph, null, nodes), nodes[0]]).toEqual([0, 3n]);
    expect(numbers(gpu.download(y, 16))).toEqual([1, 1, 1, 1]);
    const exec = make('cuGraphInstantiateWithFlags', graph, 0);
    expect(call('cuGraphDestroy', graph)).toBe(0);
    for (let replay = 0; replay < 3; replay++) expect(call('cuGraphLaunch', exec, gpu.stream)).toBe(0);
    expect(numbers(gpu.download(copy, 16))).toEqual([0, 8, 8, 8]);
    expect(call('cuGraphExecDestroy', exec)).toBe(0);
    expect(call('cuGraphLaunch', exec, gpu.stream)).toBe(INVALID_HANDLE);
    expect([count('graphs'), count('graphExecs')]).toEqual([0, 0]);
  });

  test('refuses what cannot be recorded, and loses the recording', () => {
    for (const [mode, name, ...args] of [
      [2, 'cuStreamSynchronize', 'stream'],
      [2, 'cuStreamQuery', 'stream'],
      [2, 'cuCtxSynchronize'],
      [0, 'cuMemAlloc_v2', new BigUint64Array(1), 256],
      [0, 'cuMemFree_v2', 'memory'],
    ] as const) {
      const gpu = start('blocks');
      const memory = gpu.alloc(16);
      expect(call('cuStreamBeginCapture_v2', gpu.stream, mode)).toBe(0);
      const values = args.map((value) =>
        value === 'stream' ? gpu.stream : value === 'memory' ? memory : value,
      );
      expect([name, call(name, ...values)]).toEqual([name, CAPTURE_UNSUPPORTED]);
      expect(call('cuStreamEndCapture', gpu.stream, new BigUint64Array(1))).toBe(CAPTURE_INVALIDATED);
      expect(call('cuStreamSynchronize', gpu.stream)).toBe(0);
    }
    const gpu = start();
    call('cuStreamBeginCapture_v2', gpu.stream, 2);
    gpu.alloc(16);
    expect(call('cuStreamEndCapture', gpu.stream, new BigUint64Array(1))).toBe(0);
  });

  test('a graph does not keep memory alive', () => {
    const gpu = start('blocks');
    const y = gpu.upload(ones(4));
    call('cuStreamBeginCapture_v2', gpu.stream, 2);
    call('cuMemsetD8Async', y, 0, 4, gpu.stream);
    const exec = make('cuGraphInstantiateWithFlags', endCapture(gpu.stream), 0);
    call('cuMemFree_v2', y);
    expect(call('cuGraphLaunch', exec, gpu.stream)).toBe(ILLEGAL_ADDRESS);
  });
});

describe.skipIf(missing)('waiting', () => {
  test('events, in order and timed', () => {
    const gpu = start('blocks');
    const [first, last, untimed] = [
      make('cuEventCreate', 0),
      make('cuEventCreate', 0),
      make('cuEventCreate', 2),
    ];
    expect(call('cuEventQuery', first)).toBe(0);
    const milliseconds = new Float32Array(1);
    expect(call('cuEventElapsedTime', milliseconds, first, last)).toBe(INVALID_HANDLE);
    for (const event of [first, last, untimed]) expect(call('cuEventRecord', event, gpu.stream)).toBe(0);
    expect(call('cuEventElapsedTime', milliseconds, first, last)).toBe(0);
    expect(milliseconds[0]).toBeGreaterThanOrEqual(0);
    expect(call('cuEventElapsedTime', milliseconds, first, untimed)).toBe(INVALID_HANDLE);
    call('cuStreamBeginCapture_v2', gpu.stream, 2);
    call('cuEventRecord', first, gpu.stream);
    expect(call('cuEventQuery', first)).toBe(CAPTURED_EVENT);
    expect(call('cuEventDestroy_v2', first)).toBe(0);
    expect(call('cuEventQuery', first)).toBe(INVALID_HANDLE);
  });

  test('late work runs piece by piece, when somebody asks', () => {
    const gpu = start('blocks');
    const y = gpu.upload(ones(4));
    const done = make('cuEventCreate', 2);
    const host = new Float32Array(4);
    set('LATE', '1');
    expect(gpu.enqueue('double_each', doubling(y))).toBe(0);
    expect(gpu.enqueue('double_each', doubling(y))).toBe(0);
    expect(call('cuMemcpyDtoHAsync_v2', host, y, 16, gpu.stream)).toBe(0);
    expect(call('cuEventRecord', done, gpu.stream)).toBe(0);
    const launches = count('launches');
    const polled: number[] = [];
    for (let status = NOT_READY; status === NOT_READY; polled.push(status))
      status = call('cuEventQuery', done);
    expect(polled).toEqual([NOT_READY, NOT_READY, NOT_READY, NOT_READY, 0]);
    expect(count('launches') - launches).toBe(2);
  });

  test('late work is finished by a wait, and its errors come then', () => {
    const gpu = start('mistakes');
    set('LATE', '1');
    const event = make('cuEventCreate', 2);
    expect(gpu.enqueue('trapped', {})).toBe(0);
    expect(call('cuEventRecord', event, gpu.stream)).toBe(0);
    expect(call('cuEventSynchronize', event)).toBe(719);
    expect(call('cuStreamSynchronize', gpu.stream)).toBe(719);
  });
});

describe.skipIf(missing)('failures', () => {
  test('the N-th call, all from the N-th on, with a status', () => {
    start();
    set('FAIL', 'cuMemAlloc_v2:2,cuStreamCreate:1+:999');
    const allocate = (): number => call('cuMemAlloc_v2', new BigUint64Array(1), 16);
    expect([allocate(), allocate(), allocate()]).toEqual([0, OUT_OF_MEMORY, 0]);
    const create = (): number => call('cuStreamCreate', new BigUint64Array(1), 1);
    expect([create(), create()]).toEqual([999, 999]);
    for (const wrong of ['cuInit', 'cuInit:0', 'cuInit:x', 'cuInit:1:0'])
      expect(() => set('FAIL', wrong)).toThrow();
    expect(() => set('ORDER', 'sideways')).toThrow();
    expect(() => set('NOTHING', '1')).toThrow();
  });

  test('no device, an old driver, no context', () => {
    const gpu = start();
    set('DEVICES', '0');
    set('DRIVER', '11040');
    expect(call('cuInit', 0)).toBe(100);
    const version = new Int32Array(1);
    expect([call('cuDriverGetVersion', version), version[0]]).toEqual([0, 11040]);
    expect(call('cuDevicePrimaryCtxRetain', new BigUint64Array(1), 0)).toBe(101);
    expect(call('cuCtxSetCurrent', 0)).toBe(0);
    expect(call('cuStreamSynchronize', gpu.stream)).toBe(INVALID_CONTEXT);
    start();
    expect(call('cuDevicePrimaryCtxRelease_v2', 0)).toBe(0);
    expect(call('cuMemAlloc_v2', new BigUint64Array(1), 16)).toBe(INVALID_CONTEXT);
    expect(call('cuDevicePrimaryCtxRelease_v2', 0)).toBe(INVALID_CONTEXT);
  });

  test('names of errors', () => {
    start();
    const out = new BigUint64Array(1);
    expect([call('cuGetErrorName', 719, out), out[0] === 0n]).toEqual([0, false]);
    expect(call('cuGetErrorName', 12345, out)).toBe(INVALID_VALUE);
  });
});
