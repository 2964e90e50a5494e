/**
 * Capture: a step that is written as ordinary code and replayed as one program. Call 1 runs the body, call 2
 * runs and records it, later calls copy the inputs in and replay. What a body does must not depend on the call:
 * a read, a host write, a new shape or a number that moved throws and names the op; nothing degrades quietly.
 */
import { ambient, type Trace } from './ambient.ts';
import type { Device, Program } from './device.ts';
import { CaptureError } from './errors.ts';
import { copyInto } from './ops/copy.ts';
import { collectTensors, keep, scope } from './scope.ts';
import { sameShape, showShape } from './shape.ts';
import type { Storage } from './storage.ts';
import { empty, type Tensor } from './tensor.ts';

export interface Captured<I, R> {
  (ins: I): R;
  /** Undefined until the second call. */
  readonly program: Program | undefined;
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * Captures `body`. Its inputs are copied, so the caller may reuse them. What it returns lives until the next
 * call; values that change from call to call (learning rate, position) must be inputs.
 */
export function capture<I extends Readonly<Record<string, Tensor>>, R>(body: (ins: I) => R): Captured<I, R> {
  let signatures: string[] | undefined;
  let recorded: Recorded<I, R> | undefined;
  let last: Set<Tensor> = new Set();

  const call = (ins: I): R => {
    if (ambient.trace) throw new CaptureError('capture', 'a captured body cannot call another one');
    if (recorded) {
      copyInputs(recorded.inputs, ins);
      recorded.program.replay();
      return recorded.result;
    }
    if (!signatures) {
      const lines: string[] = [];
      const first = traced(body, ins, { step: (op, line) => lines.push(`${op}: ${line}`), touch: () => {} });
      signatures = lines;
      last = first.made;
      return first.result;
    }
    // The first call's results live until here, so that they may be inputs of the second.
    try {
      recorded = record(body, ins, signatures);
    } finally {
      for (const tensor of last) tensor.dispose();
      last = new Set();
    }
    return recorded.result;
  };
  const dispose = () => {
    for (const tensor of last) tensor.dispose();
    last = new Set();
    recorded?.dispose();
    recorded = undefined;
    signatures = undefined;
  };
  return Object.defineProperty(Object.assign(call, { dispose, [Symbol.dispose]: dispose }), 'program', {
    get: () => recorded?.program,
  }) as Captured<I, R>;
}

interface Recorded<I, R> {
  readonly inputs: I;
  readonly result: R;
  readonly program: Program;
  dispose(): void;
}

function record<I extends Readonly<Record<string, Tensor>>, R>(
  body: (ins: I) => R,
  ins: I,
  signatures: readonly string[],
): Recorded<I, R> {
  const device = deviceOf(ins);
  const inputs = Object.fromEntries(
    Object.entries(ins).map(([name, x]) => [name, keep(empty(device, x.dtype, x.shape))]),
  ) as unknown as I;
  const outside = new Set<Storage>();
  copyInputs(inputs, ins);
  const recording = device.record();
  let run: { result: R; made: Set<Tensor> } | undefined;
  try {
    let position = 0;
    run = traced(body, inputs, {
      step: (op, line) => compare(signatures[position], `${op}: ${line}`, position++),
      touch: (tensor) => void outside.add(tensor.storage),
    });
    if (position < signatures.length) {
      throw new CaptureError(
        signatures[position]!.split(':')[0]!,
        `op ${position} of the body ran on the first call and not on the second`,
        'a captured body must do the same work on every call',
      );
    }
  } catch (error) {
    for (const tensor of [...(run?.made ?? []), ...Object.values(inputs)]) tensor.dispose();
    recording.abort();
    throw error;
  }
  const program = recording.end();
  // What the program uses but did not allocate must outlive it.
  const claims = [...outside].filter((storage) => storage.claims > 0).map((storage) => storage.claim());
  const { result, made } = run;
  const dispose = () => {
    for (const tensor of [...made, ...Object.values(inputs)]) tensor.dispose();
    for (const claim of claims) claim.release();
    program.dispose();
  };
  return { inputs, result, program, dispose };
}

/**
 * Runs the body as an outermost scope, whatever is around the call. `made` are the tensors of its result that it
 * made, and that the capture therefore frees; inputs and tensors from outside may be returned too.
 */
function traced<I, R>(body: (ins: I) => R, ins: I, trace: Trace): { result: R; made: Set<Tensor> } {
  const around = ambient.scope;
  ambient.scope = undefined;
  ambient.trace = trace;
  const made = new Set<Tensor>();
  try {
    const result = scope(() => {
      const returned = body(ins);
      collectTensors(returned, made);
      for (const tensor of made) if (!ambient.scope!.tensors.has(tensor)) made.delete(tensor);
      return returned;
    });
    return { result, made };
  } finally {
    ambient.scope = around;
    ambient.trace = undefined;
  }
}

function compare(expected: string | undefined, line: string, position: number): void {
  if (expected === line) return;
  throw new CaptureError(
    line.split(':')[0]!,
    `op ${position} of the captured body was (${expected ?? 'absent'}) on the first call and (${line}) on the second`,
    'pass what changes as an input tensor: numbers and shapes are baked in',
  );
}

function deviceOf(ins: Readonly<Record<string, Tensor>>): Device {
  const [first] = Object.values(ins);
  if (!first) throw new CaptureError('capture', 'a captured body needs at least one input tensor');
  return first.device;
}

function copyInputs(to: Readonly<Record<string, Tensor>>, from: Readonly<Record<string, Tensor>>): void {
  for (const name in to) {
    const target = to[name]!;
    const source = from[name];
    if (!source)
      throw new CaptureError('capture', `input ${name} is missing`, 'pass the inputs of the first call');
    if (source.dtype !== target.dtype || !sameShape(source.shape, target.shape)) {
      throw new CaptureError(
        'capture',
        `input ${name} was ${target.dtype} ${showShape(target.shape)} when recorded, got ${source.dtype} ${showShape(source.shape)}`,
        'capture one program per shape',
      );
    }
    copyInto(target, source);
  }
}
