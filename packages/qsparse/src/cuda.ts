/** The CUDA backend, where its package is installed. */
import { type Device, DeviceError } from '@qsparse/core';
import type { DeviceOptions } from './device.ts';

/** Opens the first GPU. Throws DeviceError where the package, the driver or a GPU is missing. */
export async function openCuda({ onCompile }: Pick<DeviceOptions, 'onCompile'>): Promise<Device> {
  // Not a literal: bundlers for the browser must not look for an optional package.
  const name: string = '@qsparse/backend-cuda';
  let backend: typeof import('@qsparse/backend-cuda');
  try {
    backend = (await import(/* @vite-ignore */ name)) as typeof backend;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new DeviceError(
      'cuda',
      `@qsparse/backend-cuda cannot be loaded (${text.split('\n')[0]})`,
      `npm install ${name}`,
    );
  }
  return backend.cudaDevice({ onCompile });
}
