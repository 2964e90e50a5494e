/**
 * Capture: a step that is written as ordinary code and replayed as one program. Call 1 runs the body, call 2
 * runs and records it, later calls copy the inputs in and replay. What a body does must not depend on the call:
 * a read, a host write, a new shape, a number or outside memory that moved throws and names the op; nothing degrades quietly.
 */
import { ambient, type Trace } from './ambient.ts';
import type { Device, Program, Recording } from './device.ts';
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
  let steps: readonly Step[] | undefined;
  let recorded: Recorded<I, R> | undefined;
  let last: Set<Tensor> = new Set();

  const call = (ins: I): R => {
    if (ambient.trace) throw new CaptureError('capture', 'a captured body cannot call another one');
    if (recorded) {
      copyInputs(recorded.inputs, ins);
      recorded.program.replay();
      return recorded.result;
    }
    if (!steps) {
      const seen: Step[] = [];
      const first = traced(
        body,
        ins,
        stepsOf(ins, (step) => seen.push(step)),
      );
      steps = seen;
      last = first.made;
      return first.result;
    }
    // The first call's results live until here, so that they may be inputs of the second.
    try {
      recorded = record(body, ins, steps);
    } finally {
      disposeAll(last);
      last = new Set();
    }
    return recorded.result;
  };
  const dispose = () => {
    disposeAll(last);
    last = new Set();
    recorded?.dispose();
    recorded = undefined;
    steps = undefined;
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
  expected: readonly Step[],
): Recorded<I, R> {
  const device = deviceOf(ins);
  if (!device) throw new CaptureError('capture', 'a captured body needs at least one input tensor');
  // Everything that must outlive the program, or go when recording fails.
  const held = new Set<Tensor | Claim>();
  const dispose = () => disposeAll(held);
  let recording: Recording | undefined;
  try {
    const inputs = Object.fromEntries(
      Object.entries(ins).map(([name, x]) => {
        const copy = keep(empty(device, x.dtype, x.shape));
        held.add(copy);
        return [name, copy];
      }),
    ) as unknown as I;
    copyInputs(inputs, ins);
    recording = device.record();
    let position = 0;
    const check = (step: Step) => compare(expected[position], step, position++);
    // Claimed when first met: the body itself may dispose what a replay still needs.
    const claim = (storage: Storage) => {
      const claimed = storage.claim();
      held.add({ dispose: () => claimed.release() });
    };
    const { result, made } = traced(body, inputs, stepsOf(inputs, check, claim));
    for (const tensor of made) held.add(tensor);
    const missing = expected[position];
    if (missing) {
      throw new CaptureError(
        missing.op,
        `op ${position} of the body ran on the first call and not on the second`,
        'a captured body must do the same work on every call',
      );
    }
    const program = recording.end();
    return {
      inputs,
      result,
      program,
      dispose: () => {
        dispose();
        program.dispose();
      },
    };
  } catch (error) {
    dispose();
    recording?.abort();
    throw error;
  }
}

interface Claim {
  dispose(): void;
}

function disposeAll(held: Iterable<Claim>): void {
  for (const one of held) one.dispose();
}

/** What an op of a captured body did, as far as it must be the same on every call. */
interface Step {
  readonly op: string;
  readonly signature: string;
  readonly reads: ReadonlyMap<string, Place>;
}

/** Where an op's input lies; `storage` for memory from outside of the body, which a replay uses again as it is. */
interface Place {
  readonly storage: Storage | undefined;
  readonly offset: number;
}

/** A trace that gives every op to `take`, and each piece of outside memory to `outside` when it is first used. */
function stepsOf(
  ins: Readonly<Record<string, Tensor>>,
  take: (step: Step) => void,
  outside: (storage: Storage) => void = () => {},
): Trace {
  const device = deviceOf(ins);
  const inputs = new Set(Object.values(ins).map((tensor) => tensor.storage));
  const made = new Set<Storage>();
  const met = new Set<Storage>();
  return {
    made: (storage) => void made.add(storage),
    step(op, signature, given) {
      const reads = new Map<string, Place>();
      for (const [name, { storage, offset }] of Object.entries(given)) {
        if (device && storage.device !== device) {
          throw new CaptureError(
            op,
            `a captured body works on one device, its inputs are on ${device.name} and ${name} is on ${storage.device.name}`,
            'capture one body for each device',
          );
        }
        // The first call gets the caller's own tensors, later ones copies: their places say nothing.
        if (inputs.has(storage)) continue;
        const inside = made.has(storage);
        reads.set(name, { storage: inside ? undefined : storage, offset });
        if (inside || met.has(storage)) continue;
        met.add(storage);
        outside(storage);
      }
      take({ op, signature, reads });
    },
  };
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

function compare(expected: Step | undefined, step: Step, position: number): void {
  if (expected?.op !== step.op || expected.signature !== step.signature) {
    const show = ({ op, signature }: Step) => `${op}: ${signature}`;
    throw new CaptureError(
      step.op,
      `op ${position} of the captured body was (${expected ? show(expected) : 'absent'}) on the first call and (${show(step)}) on the second`,
      'pass what changes as an input tensor: numbers and shapes are baked in',
    );
  }
  for (const [name, place] of step.reads) {
    const before = expected.reads.get(name);
    if (!before || (before.storage === place.storage && before.offset === place.offset)) continue;
    throw new CaptureError(
      step.op,
      `op ${position} of the captured body read ${name} from one place on the first call and from another on the second`,
      'pass what changes as an input tensor: memory from outside is baked in',
    );
  }
}

/** The device of the inputs; undefined where there is none. */
function deviceOf(ins: Readonly<Record<string, Tensor>>): Device | undefined {
  const [first, ...others] = Object.entries(ins);
  for (const [name, { device }] of others) {
    if (device === first![1].device) continue;
    throw new CaptureError(
      'capture',
      `inputs must be on one device, ${first![0]} is on ${first![1].device.name} and ${name} on ${device.name}`,
      'move one of them with data() and tensor()',
    );
  }
  return first?.[1].device;
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
