/**
 * Applies an op: checks, allocates, launches, and remembers it on the tape. The one place where ops meet a
 * device; it never branches on which.
 */
import { ambient, noGrad, own } from './ambient.ts';
import type { Device, Type, View } from './device.ts';
import { DTYPES } from './dtype.ts';
import { DeviceError, DTypeError, NoKernelError } from './errors.ts';
import { releaseNode, type TapeNode, type Value } from './graph.ts';
import type { AnyOp, Inputs, Op } from './op.ts';
import { scope } from './scope.ts';
import { showShape } from './shape.ts';
import { alias, asView, empty, type Tensor } from './tensor.ts';

let order = 0;

/**
 * Runs `op` on its inputs' device and returns its outputs, owned by the current scope. Optional inputs that are
 * undefined count as absent.
 */
export function run<I extends string, O extends string, A, J extends string = never>(
  op: Op<I, O, A, J>,
  ins: Inputs<Tensor, I, J>,
  attrs: A,
): Record<O, Tensor> {
  const given = present(ins);
  const device = commonDevice(op.name, given);
  const outTypes = op.infer(given as unknown as Inputs<Type, I, J>, attrs) as Record<string, Type>;
  if (!op.moves) requireComputable(op, device, { ...given, ...outTypes });
  ambient.trace?.step(op.name, signature(given, attrs), given);

  const kernel = device.kernel(op);
  let outs: Record<string, Tensor> = {};
  if (kernel) {
    const inputs = views(given);
    const fresh: Tensor[] = [];
    try {
      for (const [name, type] of Object.entries(outTypes)) {
        const target = targetOf(op, name, given);
        outs[name] = target ?? empty(device, type.dtype, type.shape);
        if (!target) fresh.push(outs[name]);
      }
      kernel(inputs, views(outs), attrs as never);
    } catch (error) {
      // Outside of every scope nobody else could free them.
      for (const tensor of fresh) tensor.dispose();
      throw error;
    }
  } else if (op.composite) {
    // With a rule of its own the op is one node on the tape, and what its parts made in between ends here;
    // without one, its parts are on the tape.
    outs = op.vjp ? noGrad(() => scope(() => op.composite!(ins, attrs))) : op.composite(ins, attrs);
    const sources = new Set(Object.values(given));
    // A composite may hand back an input as it came; the output must still be a tensor of its own on the tape.
    for (const name in outs) {
      const out = outs[name]!;
      if (sources.has(out) && out !== targetOf(op, name, given)) outs[name] = own(alias(out));
    }
  } else {
    throw new NoKernelError(
      op.name,
      `device ${device.name} has no kernel for this op`,
      'if it should have one, check that @qsparse/core is installed only once',
    );
  }
  if (ambient.tape && op.vjp && !op.mutates) remember(op, attrs, given, outs);
  return outs as Record<O, Tensor>;
}

/** True where the device runs the op's own kernel, false where it runs the composite. */
export function hasKernel(device: Device, op: AnyOp): boolean {
  return device.kernel(op) !== undefined;
}

/** The given tensor that this output is written into, if it is one that is written in place. */
function targetOf(op: AnyOp, output: string, given: Record<string, Tensor>): Tensor | undefined {
  return given[(op.inPlace as Record<string, string> | undefined)?.[output] ?? ''];
}

function present(ins: Readonly<Record<string, Tensor | undefined>>): Record<string, Tensor> {
  const given: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(ins)) if (tensor) given[name] = tensor;
  return given;
}

function commonDevice(where: string, given: Record<string, Tensor>): Device {
  const [first, ...others] = Object.entries(given);
  if (!first) throw new DeviceError(where, 'an op needs at least one input to know its device');
  for (const [name, tensor] of others) {
    if (tensor.device !== first[1].device) {
      throw new DeviceError(
        where,
        `inputs must be on one device, ${first[0]} is on ${first[1].device.name} and ${name} on ${tensor.device.name}`,
        'move one of them with data() and tensor()',
      );
    }
  }
  return first[1].device;
}

function requireComputable(
  { name: where, stored = [] }: AnyOp,
  device: Device,
  types: Readonly<Record<string, Type>>,
): void {
  for (const [name, { dtype }] of Object.entries(types)) {
    if (stored.includes(name) || !DTYPES[dtype].float || device.caps.compute.includes(dtype)) continue;
    throw new DTypeError(
      where,
      `device ${device.name} computes in ${device.caps.compute.join(' and ')}, ${name} is ${dtype}`,
      'use cast()',
    );
  }
}

function views(tensors: Record<string, Tensor>): Record<string, View> {
  const result: Record<string, View> = {};
  for (const name in tensors) result[name] = asView(tensors[name]!);
  return result;
}

function signature(given: Record<string, Tensor>, attrs: unknown): string {
  const shapes = Object.entries(given).map(
    ([name, { dtype, shape }]) => `${name} ${dtype} ${showShape(shape)}`,
  );
  return `${shapes.join(', ')} with ${JSON.stringify(attrs, exactNumber)}`;
}

/** JSON knows neither infinities nor NaN nor -0; a number that moved between them must show. */
const exactNumber = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;

/** Puts what an op made on the tape, where one of its inputs is on it. */
export function remember(
  op: AnyOp,
  attrs: unknown,
  given: Record<string, Tensor>,
  outs: Record<string, Tensor>,
): void {
  const inputs = new Map<string, Value>();
  for (const name in given) {
    const value = given[name]!.value;
    if (value) inputs.set(name, value);
  }
  if (inputs.size === 0) return;
  const vjp = op.vjp!;
  if ('identity' in vjp) {
    // By the contract the first output; others (a scale, a count) have no gradient.
    const [first] = Object.values(outs);
    if (first) first.value = inputs.get(vjp.identity);
    return;
  }
  const types: Record<string, Type> = {};
  const all = { ...given, ...outs };
  for (const name in all) types[name] = { dtype: all[name]!.dtype, shape: all[name]!.shape };
  const saved: Record<string, Tensor> = {};
  const save: readonly string[] = typeof vjp.save === 'function' ? vjp.save(attrs) : vjp.save;
  for (const name of save) if (all[name]) saved[name] = alias(all[name]!);
  const outputs = new Map<string, Value>();
  const node: TapeNode = { op, attrs, order: order++, inputs, outputs, types, saved };
  for (const name in outs) {
    // An integer output (an index, a count) has no gradient.
    const { dtype } = outs[name]!;
    if (dtype !== 'f32' && dtype !== 'bf16') continue;
    const value: Value = { dtype, node };
    outputs.set(name, value);
    outs[name]!.value = value;
  }
  if (ambient.scope) ambient.scope.nodes.push(node);
  else if (outputs.size === 0) releaseNode(node);
}
