/** Opens the device that the flags ask for; where `auto` passes over a GPU that should have worked, it says why. */
import type { Device } from '@qsparse/core';
import { device } from 'qsparse';
import type { DeviceFlags } from './command.ts';

/** What is simply not there is no news: most machines have no NVIDIA GPU, many none at all. */
const ORDINARY =
  /@qsparse\/backend-\w+ cannot be loaded|there is no (NVIDIA driver|graphics device)|runs on the processor|package webgpu/;

/** Throws DeviceError. `note` takes one line for people. */
export function openDevice(
  { device: name, threads }: DeviceFlags,
  note: (line: string) => void,
): Promise<Device> {
  return device(name, {
    threads,
    onCompile: (done, count) => {
      if (done === 0) note(`compiling ${count} kernels for this GPU; they are kept for the next time`);
    },
    onSkip: (skipped, reason) => {
      if (!ORDINARY.test(reason)) note(`${skipped} is not used: ${reason}`);
    },
  });
}
