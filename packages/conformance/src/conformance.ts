/**
 * The suite: registers vitest tests that hold a device against core's meaning of every op, one test a case. Their names
 * are `<op export>: <case>`; a skip names one of them.
 */
import type { Device } from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkCapture } from './check-capture.ts';
import { checkComposite, hasBoth } from './check-composite.ts';
import { checkErrors, checkRefusal } from './check-errors.ts';
import { checkKernel, checkRun } from './check-forward.ts';
import { checkGradients, differentiable } from './check-gradient.ts';
import { registerDeviceTests } from './device-tests.ts';
import type { AnyCase } from './op-case.ts';
import { needsBf16, opCases } from './op-table.ts';
import { registerStepTest } from './step-test.ts';
import type { Tolerance } from './tolerance.ts';

export interface Skip {
  /** The name of a test: `binaryOp: add [7] [7]`. */
  readonly case: string;
  /** Why it fails; shown in the report. */
  readonly reason: string;
}

export interface ConformanceOptions {
  /** Tests that are known to fail. Each still runs, and fails when it passes; one that names no test fails too. */
  readonly skip?: readonly Skip[];
  /**
   * How near the results of an op must come, by its exported name (`matmulOp`), for a device that computes less
   * exactly than float32. Ops that are exact by contract stay exact.
   */
  readonly tolerances?: Readonly<Record<string, Tolerance>>;
}

/**
 * Registers one suite for the device that `makeDevice` makes: every op of core and quantizers against its float64
 * reference, gradients, composites, capture, memory, wrong use. Call it at the top level of a test file.
 */
export function conformance(makeDevice: () => Promise<Device>, options: ConformanceOptions = {}): void {
  const { skip = [], tolerances = {} } = options;
  const used = new Set<string>();
  let device: Device;
  beforeAll(async () => {
    device = await makeDevice();
  });
  afterAll(() => device.dispose());

  /** Registers a test that must leave the device's memory as it was. */
  const register = (name: string, body: (device: Device) => Promise<void>): void => {
    const known = skip.find((entry) => entry.case === name);
    const run = async (): Promise<void> => {
      const before = device.memory();
      await body(device);
      const after = device.memory();
      expect({ live: after.live, programs: after.programs, count: after.count }, 'memory must be given back').toEqual({
        live: before.live,
        programs: before.programs,
        count: before.count,
      });
    };
    if (known) used.add(name);
    if (known) test.fails(`${name} (known to fail: ${known.reason})`, run);
    else test(name, run);
  };

  for (const { key, op, cases } of opCases()) {
    describe(op.name === key ? key : `${op.name} (${key})`, () => {
      for (const opCase of cases) {
        register(`${key}: ${opCase.name}`, (on) => checkCase(on, opCase, tolerances[key]));
      }
      register(`${key}: wrong use`, async (on) => {
        expect(checkErrors(on, cases[0]!), 'uses that core refuses').toBeGreaterThan(0);
      });
    });
  }
  describe('device', () => registerDeviceTests(register));
  describe('step', () => registerStepTest(register));
  test('every skip names a test', () => {
    expect(skip.filter((entry) => !used.has(entry.case))).toEqual([]);
  });
}

/** Every check of one case, in the order from simple to composed: the first that fails names itself. */
async function checkCase(device: Device, opCase: AnyCase, tolerance: Tolerance | undefined): Promise<void> {
  if (needsBf16(opCase) && !device.caps.compute.includes('bf16')) {
    checkRefusal(device, opCase);
    return;
  }
  const accuracy = opCase.accuracy === 'exact' ? 'exact' : (tolerance ?? opCase.accuracy);
  const checks: Record<string, () => Promise<void>> = {
    kernel: () => checkKernel(device, opCase, accuracy),
    run: () => checkRun(device, opCase, accuracy),
    ...(hasBoth(device, opCase) && { composite: () => checkComposite(device, opCase, accuracy) }),
    ...(differentiable(opCase).length > 0 && { gradient: () => checkGradients(device, opCase, accuracy) }),
    capture: () => checkCapture(device, opCase),
  };
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (cause) {
      throw new Error(`[${name}] ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
}
