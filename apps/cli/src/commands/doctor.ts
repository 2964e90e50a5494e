/** `qsparse doctor`: what works on this machine, what does not, and what that costs. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import * as core from '@qsparse/core';
import { MOST_PACKED_ROWS } from '@qsparse/layers';
import * as quantizers from '@qsparse/quantizers';
import { BACKENDS, type DeviceName, device } from 'qsparse';
import type { Command } from '../command.ts';

export const command: Command = {
  name: 'doctor',
  usage: '[--json]',
  summary: 'Shows the machine, the devices that work here, and why others do not.',
  positionals: 0,
  options: {},
  async run({ flags }, output) {
    const machine = {
      node: process.versions.node,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory: totalmem(),
      freeMemory: freemem(),
    };
    const devices: Probe[] = [];
    for (const { name, what } of BACKENDS) devices.push({ name, what, ...(await probe(name)) });
    if (flags.json) output.line(JSON.stringify({ machine, devices }));
    else for (const line of lines(machine, devices)) output.line(line);
    return devices.some(({ works }) => works) ? 0 : 1;
  },
};

interface Probe {
  readonly name: string;
  readonly what: string;
  readonly works: boolean;
  /** The device's own description, or why it does not work. */
  readonly detail: string;
  /** When a token is computed from packed weights, a kind of weights a line. */
  readonly decoding: readonly string[];
  /** Fused ops without a kernel of their own, which run as their parts. */
  readonly composites: readonly string[];
  /** What the device found and missed, one fact a line. */
  readonly report: readonly string[];
}

/** A device that has more to say. */
interface Reporting {
  report?(): readonly string[];
}

async function probe(name: DeviceName): Promise<Omit<Probe, 'name' | 'what'>> {
  try {
    const opened = await device(name);
    const composites = fusedOps().filter((op) => !core.hasKernel(opened, op));
    const { description } = opened;
    const report = (opened as Reporting).report?.() ?? [];
    const decoding = decodingOn(opened);
    opened.dispose();
    return {
      works: true,
      detail: description,
      composites: composites.map((op) => op.name),
      decoding,
      report,
    };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { works: false, detail, composites: [], decoding: [], report: [] };
  }
}

/** What `packsFaster` and `packDecoder` decide by, in words. */
function decodingOn(opened: core.Device): readonly string[] {
  const rule = (weights: string, op: core.AnyOp, most: number, when: string): string =>
    core.hasKernel(opened, op)
      ? `decoding, ${weights}: from packed weights ${when}, up to ${most} texts at once; beyond, dense`
      : `decoding, ${weights}: dense`;
  const { ternaryGemvOp, sparseGemvOp } = quantizers;
  const plain = 'where inputs are left out or the model computes in bf16';
  return [
    rule(
      'ternary weights and int8 activations',
      ternaryGemvOp,
      MOST_PACKED_ROWS.ternary,
      'at every sparsity',
    ),
    rule('ternary weights alone', sparseGemvOp, MOST_PACKED_ROWS.ternary, 'at every sparsity'),
    rule('other weights', sparseGemvOp, MOST_PACKED_ROWS.plain, plain),
  ];
}

/** Every op that the packages export and that could run as parts, once by name. */
function fusedOps(): readonly core.AnyOp[] {
  const isFused = (value: unknown): value is core.AnyOp =>
    typeof value === 'object' && value !== null && 'infer' in value && 'composite' in value;
  const ops = [...Object.values(core), ...Object.values(quantizers)].filter(isFused);
  return [...new Map(ops.map((op) => [op.name, op])).values()];
}

function lines(
  { node, processor, cores, memory, freeMemory }: Readonly<Record<string, string | number>>,
  devices: readonly Probe[],
): readonly string[] {
  const gibibytes = (bytes: string | number | undefined) => `${(Number(bytes) / 2 ** 30).toFixed(1)} GiB`;
  return [
    `Node ${node}; ${processor}, ${cores} cores; ${gibibytes(freeMemory)} of ${gibibytes(memory)} free`,
    ...devices.flatMap(({ name, what, works, detail, composites, decoding, report }) => [
      `${works ? 'works ' : 'absent'}  ${name.padEnd(10)} ${what}: ${detail}`,
      ...[...report, ...decoding].map((fact) => `${' '.repeat(19)}${fact}`),
      ...(composites.length > 0
        ? [`${' '.repeat(19)}as parts, for want of a kernel: ${composites.join(', ')}`]
        : []),
    ]),
  ];
}
