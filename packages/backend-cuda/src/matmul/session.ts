/** cuBLASLt on one device: its handle, the workspace that all products use one after the other, the factors 1 and 0. */
import koffi from 'koffi';
import type { Driver } from '../driver/driver.ts';
import type { CublasLt } from './cublas-lt.ts';
import { createPreference } from './descriptors.ts';

/** What all products of a device share. */
export interface Session {
  readonly handle: number;
  readonly preference: number;
  /** Host addresses of the float32 factors. */
  readonly one: number;
  readonly zero: number;
  readonly workspace: number;
  close(): void;
}

export function openSession(driver: Driver, lt: CublasLt, workspaceBytes: number): Session {
  const workspace = driver.make('cuMemAlloc', workspaceBytes);
  let handle = 0;
  let preference: number;
  try {
    handle = lt.make('cublasLtCreate');
    preference = createPreference(lt, workspaceBytes);
  } catch (error) {
    if (handle) lt.raw.cublasLtDestroy(handle);
    driver.raw.cuMemFree(workspace);
    throw error;
  }
  const factors = nativeBytes(new Uint8Array(Float32Array.of(1, 0).buffer));
  return {
    handle,
    preference,
    one: factors.address,
    zero: factors.address + 4,
    workspace,
    close() {
      driver.raw.cuMemFree(workspace);
      lt.raw.cublasLtMatmulPreferenceDestroy(preference);
      lt.raw.cublasLtDestroy(handle);
      factors.free();
    },
  };
}

/** Host memory that does not move. */
export interface NativeBytes {
  readonly address: number;
  free(): void;
}

export function nativeBytes(bytes: Uint8Array): NativeBytes {
  const memory: unknown = koffi.alloc('uint8', bytes.length);
  koffi.encode(memory, 'uint8', bytes, bytes.length);
  return { address: Number(koffi.address(memory)), free: () => koffi.free(memory) };
}
