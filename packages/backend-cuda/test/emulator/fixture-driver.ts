/** The emulator with the kernels of fixtures/, driven through bindings of its own: no code of the backend takes part. */
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { buildEmulator } from './build-emulator.mjs';

export interface LaunchOptions {
  /** An address, or values that are uploaded. */
  readonly x?: number | ArrayBufferView;
  readonly y?: number;
  readonly n?: number;
  readonly m?: number;
  readonly grid?: readonly number[];
  readonly block?: readonly number[];
  readonly shared?: number;
}

/** One context with one stream. */
export interface Gpu {
  readonly stream: number;
  alloc(bytes: number): number;
  upload(values: ArrayBufferView): number;
  download(from: number, bytes: number): ArrayBuffer;
  /** The status of cuLaunchKernel. */
  enqueue(kernel: string, options: LaunchOptions): number;
  /** The status of a launch or, if that is 0, of the wait for it. */
  launch(kernel: string, options: LaunchOptions): number;
  /** Launches over `output` bytes of zeros and returns them. */
  run(kernel: string, options: LaunchOptions & { readonly output: number }): ArrayBuffer;
}

export interface Fixtures {
  /** A fresh driver, context and stream with options as they are by default. */
  start(...modules: readonly string[]): Gpu;
  /** Changes an option of the emulator until the next `start`. */
  set(name: string, value: string): void;
  /** Why the last launch failed. */
  failure(): string;
  count(what: string): number;
  /** A driver call of addresses, handles, sizes and pointers; its status. */
  call(name: string, ...args: readonly Argument[]): number;
  /** A call that must work and writes a handle or an address to its first argument. */
  make(name: string, ...rest: readonly Argument[]): number;
}

type Argument = number | bigint | NodeJS.ArrayBufferView | null;

const DEFAULTS = {
  ...{
    FAIL: '',
    ORDER: 'forwards',
    MEMORY: String(2 ** 30),
    DRIVER: '13000',
    DEVICES: '1',
    CAPABILITY: '90',
  },
  ...{ MULTIPROCESSORS: '4', LATE: '0', STICKY: '1', QUIET: '1' },
};
const folder = fileURLToPath(new URL('fixtures', import.meta.url));

const possible = buildEmulator({ folder, checks: true });
const isDist = process.env.QSPARSE_TARGET === 'dist';
/** Why there is no emulator here, or nothing of dist to test with it; undefined where it works. */
export const missing: string | undefined =
  'missing' in possible ? possible.missing : isDist ? 'the run of the sources has it' : undefined;

/** The fixtures with or without the checks of plain loads and stores. */
export function openFixtures({ checks }: { readonly checks: boolean }): Fixtures {
  const built = buildEmulator({ folder, checks });
  if ('missing' in built) throw new Error(built.missing);
  const library = koffi.load(built.path);
  const functions = new Map<string, (...args: readonly unknown[]) => unknown>();
  /** `signature` is C without the name: "int (uint32 flags)". */
  const raw = (name: string, signature: string, ...args: readonly unknown[]): unknown => {
    const bound = functions.get(name + signature) ?? library.func(signature.replace(' (', ` ${name}(`));
    functions.set(name + signature, bound);
    return bound(...args);
  };
  const call: Fixtures['call'] = (name, ...args) => {
    const types = args.map((value) => (typeof value === 'object' ? 'void *' : 'uintptr_t'));
    return raw(name, `int (${types.join(', ')})`, ...args) as number;
  };
  const failure = (): string => raw('qsparseEmulatedFailure', 'str ()') as string;
  const must = (name: string, status: number): void => {
    if (status !== 0) throw new Error(`${name} gave ${status}: ${failure()}`);
  };
  const make: Fixtures['make'] = (name, ...rest) => {
    const out = new BigUint64Array(1);
    must(name, call(name, out, ...rest));
    return Number(out[0]);
  };
  const set = (name: string, value: string): void => {
    if (raw('qsparseEmulatedSet', 'int (str name, str value)', name, value) !== 1)
      throw new Error(`no option ${name}=${value}`);
  };

  const start = (...modules: readonly string[]): Gpu => {
    raw('qsparseEmulatedReset', 'void ()');
    for (const [name, value] of Object.entries(DEFAULTS)) set(name, value);
    must('cuInit', call('cuInit', 0));
    must('cuCtxSetCurrent', call('cuCtxSetCurrent', make('cuDevicePrimaryCtxRetain', 0)));
    const stream = make('cuStreamCreate', 1);
    const handles = modules.map((name) => make('cuModuleLoadData', Buffer.from(`EMULATED:${name}\0`)));
    const alloc = (bytes: number): number => make('cuMemAlloc_v2', bytes);
    const settle = (): number => call('cuStreamSynchronize', stream);
    const upload: Gpu['upload'] = (values) => {
      const to = alloc(values.byteLength);
      const from = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      must('cuMemcpyHtoDAsync_v2', call('cuMemcpyHtoDAsync_v2', to, from, from.length, stream));
      must('cuStreamSynchronize', settle());
      return to;
    };
    const download: Gpu['download'] = (from, bytes) => {
      const to = new Uint8Array(bytes);
      must('cuMemcpyDtoHAsync_v2', call('cuMemcpyDtoHAsync_v2', to, from, bytes, stream));
      must('cuStreamSynchronize', settle());
      return to.buffer;
    };
    const kernelOf = (name: string): number => {
      if (handles.length === 1) return make('cuModuleGetFunction', handles[0]!, Buffer.from(`${name}\0`));
      throw new Error('launches need one module');
    };
    const enqueue: Gpu['enqueue'] = (kernel, options) => {
      const { x = 0, y = 0, n = 0, m = 0, grid = [1], block = [32], shared = 0 } = options;
      const args = new DataView(new ArrayBuffer(24));
      args.setBigUint64(0, BigInt(typeof x === 'number' ? x : upload(x)), true);
      args.setBigUint64(8, BigInt(y), true);
      args.setInt32(16, n, true);
      args.setInt32(20, m, true);
      const blocks = [...grid, 1, 1].slice(0, 3);
      const threads = [...block, 1, 1].slice(0, 3);
      const signature = `int (uintptr_t, ${'uint32, '.repeat(7)}uintptr_t, void **, uintptr_t)`;
      const handle = kernelOf(kernel);
      const params = [new Uint8Array(args.buffer)];
      return raw(
        'cuLaunchKernel',
        signature,
        handle,
        ...blocks,
        ...threads,
        shared,
        stream,
        params,
        0,
      ) as number;
    };
    const launch: Gpu['launch'] = (kernel, options) => enqueue(kernel, options) || settle();
    const run: Gpu['run'] = (kernel, options) => {
      const y = upload(new Uint8Array(options.output));
      must(kernel, launch(kernel, { y, ...options }));
      return download(y, options.output);
    };
    return { stream, alloc, upload, download, enqueue, launch, run };
  };
  const count = (what: string): number => raw('qsparseEmulatedCount', 'double (str)', what) as number;
  return { start, set, failure, count, call, make };
}
