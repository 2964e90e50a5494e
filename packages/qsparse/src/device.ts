/**
 * Devices by name, each loaded only when it is asked for. `auto` takes the fastest that works here; what is not there
 * says why. GPUs are packages of their own, installed by those who have one.
 */
import { type Device, DeviceError } from '@qsparse/core';

export type DeviceName = 'auto' | 'cuda' | 'webgpu' | 'cpu' | 'reference';

export interface DeviceOptions {
  /** Threads of the CPU device; default: all cores. */
  readonly threads?: number | undefined;
  /** Told while the CUDA device compiles kernels that have no machine code for this GPU: some seconds, once. */
  readonly onCompile?: ((done: number, count: number) => void) | undefined;
  /** Told of each device that `auto` passed over, and why, once another one has opened. */
  readonly onSkip?: ((name: string, reason: string) => void) | undefined;
}

export interface Backend {
  readonly name: Exclude<DeviceName, 'auto'>;
  /** One line for people. */
  readonly what: string;
  open(options: DeviceOptions): Promise<Device>;
  /** Why `auto` need not even try; undefined where it should. */
  skip?(): string | undefined;
  /** Why `auto` must not take what has opened; undefined where it may. */
  passOver?(opened: Device): string | undefined;
}

/** Of Linux, and of Linux inside Windows. */
const GRAPHICS_DEVICES = ['/dev/dri', '/dev/dxg'] as const;

/** Fastest first. `auto` never takes the reference device, which is for checking. */
export const BACKENDS: readonly Backend[] = [
  {
    name: 'cuda',
    what: 'NVIDIA GPUs',
    open: async ({ onCompile }) => (await import('./cuda.ts')).openCuda({ onCompile }),
  },
  {
    name: 'webgpu',
    what: 'GPUs through WebGPU, in browsers and, with the package webgpu, in Node',
    open: async () => (await import('@qsparse/backend-webgpu')).webgpuDevice(),
    skip: noGraphicsDevice,
    passOver(opened) {
      const { software, description } = opened as Device & { readonly software?: boolean };
      return software ? `${description} runs on the processor, slower than the cpu device` : undefined;
    },
  },
  {
    name: 'cpu',
    what: 'WebAssembly SIMD with threads',
    open: async ({ threads }) => (await import('@qsparse/backend-cpu')).cpuDevice({ threads }),
  },
  {
    name: 'reference',
    what: 'float64 loops, for checking results',
    open: async () => (await import('@qsparse/core/reference')).referenceDevice(),
  },
];

/**
 * Opens a device; its owner disposes it. Throws DeviceError that lists the devices and why one could not be opened.
 * @param backends what there is to choose from
 */
export async function device(
  name: DeviceName = 'auto',
  options: DeviceOptions = {},
  backends: readonly Backend[] = BACKENDS,
): Promise<Device> {
  const wanted = backends.filter((backend) =>
    name === 'auto' ? backend.name !== 'reference' : backend.name === name,
  );
  if (wanted.length === 0) {
    const known = ['auto', ...backends.map((backend) => backend.name)].join(', ');
    throw new DeviceError('device', `there is no device "${name}"`, `choose one of ${known}`);
  }
  const failures: { readonly name: string; readonly reason: string }[] = [];
  for (const backend of wanted) {
    const hopeless = name === 'auto' ? backend.skip?.() : undefined;
    if (hopeless !== undefined) {
      failures.push({ name: backend.name, reason: hopeless });
      continue;
    }
    try {
      const opened = await backend.open(options);
      const why = name === 'auto' ? backend.passOver?.(opened) : undefined;
      if (why !== undefined) {
        opened.dispose();
        failures.push({ name: backend.name, reason: why });
        continue;
      }
      for (const { name: skipped, reason } of failures) options.onSkip?.(skipped, reason);
      return opened;
    } catch (error) {
      failures.push({ name: backend.name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const reasons = failures.map((failure) => `${failure.name}: ${failure.reason}`);
  throw new DeviceError(
    'device',
    `no device could be opened (${reasons.join('; ')})`,
    'run `qsparse doctor`',
  );
}

/**
 * A Linux machine without a graphics device has at most a GPU in software, and the driver's complaints would go straight to
 * the terminal.
 */
function noGraphicsDevice(): string | undefined {
  const { process } = globalThis as { readonly process?: NodeJS.Process };
  if (process?.platform !== 'linux') return undefined;
  const files = process.getBuiltinModule?.('node:fs');
  const isThere = files === undefined || GRAPHICS_DEVICES.some((path) => files.existsSync(path));
  return isThere ? undefined : `there is no graphics device (${GRAPHICS_DEVICES.join(' or ')})`;
}
