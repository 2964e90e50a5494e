/**
 * Devices by name, each loaded only when it is asked for. `auto` takes the fastest that works here; what is not there
 * says why.
 */
import { type Device, DeviceError } from '@qsparse/core';

export type DeviceName = 'auto' | 'cpu' | 'reference';

export interface DeviceOptions {
  /** Threads of the CPU device; default: all cores. */
  readonly threads?: number | undefined;
}

export interface Backend {
  readonly name: Exclude<DeviceName, 'auto'>;
  /** One line for people. */
  readonly what: string;
  open(options: DeviceOptions): Promise<Device>;
}

/** Fastest first. `auto` never takes the reference device, which is for checking. */
export const BACKENDS: readonly Backend[] = [
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
  const reasons: string[] = [];
  for (const backend of wanted) {
    try {
      return await backend.open(options);
    } catch (error) {
      reasons.push(`${backend.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new DeviceError(
    'device',
    `no device could be opened (${reasons.join('; ')})`,
    'run `qsparse doctor`',
  );
}
