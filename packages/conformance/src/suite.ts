/**
 * Registers vitest tests that hold a device against the cases it is given, one test a case. Their names are
 * `<op export>: <case>`; a skip names one of them.
 */
import type { Device, MemoryReport } from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkCapture } from './check-capture.ts';
import { checkComposite, hasBoth } from './check-composite.ts';
import { checkErrors, checkRefusal } from './check-errors.ts';
import { checkKernel, checkRun } from './check-forward.ts';
import { checkGradients, differentiable } from './check-gradient.ts';
import { registerDeviceTests } from './device-tests.ts';
import type { AnyCase } from './op-case.ts';
import type { OpCases } from './op-table.ts';
import { registerStepTest } from './step-test.ts';
import { type Accuracy, DEFAULT_TOLERANCE, type Tolerance, wider } from './tolerance.ts';

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
  /** Only these ops, by their exported names (`matmulOp`), and no training steps: a quick look. Default: everything. */
  readonly only?: readonly string[];
}

/** Registers the suite over the given ops. */
export function registerSuite(
  ops: readonly OpCases[],
  makeDevice: () => Promise<Device>,
  { skip = [], tolerances = {}, only }: ConformanceOptions = {},
): void {
  const names = new Set<string>();
  let device: Device;
  beforeAll(async () => {
    device = await makeDevice();
  });
  afterAll(() => device.dispose());

  /** Registers a test that must leave the device's memory as it was. */
  const register = (name: string, body: (device: Device) => Promise<void>): void => {
    const known = skip.find((entry) => entry.case === name);
    names.add(name);
    const checked = async (): Promise<void> => {
      const before = device.memory();
      await body(device);
      requireGivenBack(before, device.memory());
    };
    if (known) test.fails(`${name} (known to fail: ${known.reason})`, checked);
    else test(name, checked);
  };

  for (const { key, op, cases } of ops) {
    if (only && !only.includes(key)) continue;
    describe(`${op.name} (${key})`, () => {
      for (const opCase of cases) {
        register(`${key}: ${opCase.name}`, (on) => checkCase(on, opCase, tolerances[key]));
      }
      register(`${key}: wrong use`, async (on) => {
        expect(checkErrors(on, cases[0]!), 'uses that core refuses').toBeGreaterThan(0);
      });
    });
  }
  describe('device', () => registerDeviceTests(register));
  if (!only) describe('step', () => registerStepTest(register));
  test('every skip names a test, every tolerance an op', () => {
    const keys = ops.map(({ key }) => key);
    expect(skip.filter((entry) => !names.has(entry.case))).toEqual([]);
    expect([...Object.keys(tolerances), ...(only ?? [])].filter((key) => !keys.includes(key))).toEqual([]);
  });
}

/** What a body allocated must be free again, whether or not the pool keeps it. */
export function requireGivenBack(before: MemoryReport, after: MemoryReport): void {
  const held = ({ live, programs, count }: MemoryReport) => ({ live, programs, count });
  expect(held(after), 'memory must be given back').toEqual(held(before));
}

/** Every check of one case, in the order from simple to composed: the first that fails names itself. */
async function checkCase(device: Device, opCase: AnyCase, tolerance: Tolerance | undefined): Promise<void> {
  if (opCase.bf16 && !device.caps.compute.includes('bf16')) {
    checkRefusal(device, opCase);
    return;
  }
  const accuracy = tolerance ? widened(opCase, tolerance) : opCase.accuracy;
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

/** What a device may ask for, on top of what the case and its dtype allow anyway. */
function widened({ accuracy, bf16 }: AnyCase, tolerance: Tolerance): Accuracy {
  if (accuracy === 'exact') return accuracy;
  return wider(accuracy ?? DEFAULT_TOLERANCE[bf16 ? 'bf16' : 'f32'], tolerance);
}
