/**
 * A counted claim on a slot of device memory. Tensors, the tape and programs each hold claims; user code never
 * sees this class. The slot goes back to its device with the last claim.
 */
import type { Device } from './device.ts';

export class Storage {
  readonly device: Device;
  readonly slot: number;
  #claims = 1;

  constructor(device: Device, slot: number) {
    this.device = device;
    this.slot = slot;
  }

  /** Claims still held; 0 means the memory is gone. */
  get claims(): number {
    return this.#claims;
  }

  claim(): this {
    this.#claims += 1;
    return this;
  }

  release(): void {
    this.#claims -= 1;
    if (this.#claims === 0) this.device.free(this.slot);
  }
}
