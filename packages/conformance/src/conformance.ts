/** The whole suite for one device: every op of core and quantizers, and what a device is besides its ops. */
import type { Device } from '@qsparse/core';
import { opCases } from './op-table.ts';
import { type ConformanceOptions, registerSuite } from './suite.ts';

/**
 * Registers vitest tests for the device that `makeDevice` makes: every op against its float64 reference with guarded
 * and poisoned memory, gradients, composites, capture, memory, wrong use. Call it in a test file, at the top level or
 * inside a `describe`.
 */
export function conformance(makeDevice: () => Promise<Device>, options: ConformanceOptions = {}): void {
  registerSuite(opCases(), makeDevice, options);
}
