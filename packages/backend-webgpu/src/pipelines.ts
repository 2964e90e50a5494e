/** Compiled kernels: one pipeline for each entry point and set of override constants, made when first needed or ahead. */

import { firstLine, KernelError } from './errors.ts';
import { MODULES } from './generated/kernels.ts';
import type { ModuleName } from './launch.ts';
import type { ModuleData } from './module-data.ts';
import { waiting } from './polling.ts';

/** What identifies a pipeline; plain data, so that a page can keep a list of them. */
export interface PipelineKey {
  readonly module: string;
  readonly entry: string;
  readonly constants: Readonly<Record<string, number>>;
}

export interface Pipeline {
  readonly label: string;
  readonly data: ModuleData;
  readonly layout: GPUBindGroupLayout;
  readonly compute: GPUComputePipeline;
}

interface ShaderEntry {
  readonly shader: GPUShaderModule;
  readonly bindGroupLayout: GPUBindGroupLayout;
  readonly layout: GPUPipelineLayout;
}

const COMPUTE_STAGE = 4;

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #shaders = new Map<string, ShaderEntry>();
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #keys = new Map<string, PipelineKey>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Every pipeline there is, for `prepare` of another day. */
  get keys(): readonly PipelineKey[] {
    return [...this.#keys.values()];
  }

  /** `op`: what needs it, for WebGPU's errors. */
  get(
    module: ModuleName,
    entry: string,
    overrides: Readonly<Record<string, number | boolean>>,
    op = '',
  ): Pipeline {
    const name = nameOf(module, entry, overrides);
    const found = this.#pipelines.get(name);
    if (found) return found;
    const key = { module, entry, constants: constantsOf(overrides) };
    return this.#keep(name, key, this.#device.createComputePipeline(this.#descriptor(key, name, op)));
  }

  has(name: string): boolean {
    return this.#pipelines.has(name);
  }

  /** Compiles those that are missing, several at a time. Throws KernelError. */
  async prepare(
    wanted: readonly PipelineKey[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<void> {
    const missing = new Map<string, PipelineKey>();
    for (const key of wanted) {
      const name = nameOf(key.module, key.entry, key.constants);
      if (!this.#pipelines.has(name) && key.module in MODULES) missing.set(name, key);
    }
    const total = missing.size;
    let done = 0;
    onProgress?.(done, total);
    await Promise.all(
      [...missing].map(async ([name, key]) => {
        waiting();
        try {
          const compute = await this.#device.createComputePipelineAsync(this.#descriptor(key, name));
          // A launch may have made it meanwhile.
          if (!this.#pipelines.has(name)) this.#keep(name, key, compute);
        } catch (error) {
          throw kernelError(error instanceof Error ? error.message : String(error), name);
        }
        onProgress?.(++done, total);
      }),
    );
  }

  #keep(name: string, key: PipelineKey, compute: GPUComputePipeline): Pipeline {
    const layout = this.#shaders.get(key.module)!.bindGroupLayout;
    const pipeline = { label: name, data: MODULES[key.module as ModuleName], layout, compute };
    this.#pipelines.set(name, pipeline);
    this.#keys.set(name, key);
    return pipeline;
  }

  #descriptor(
    { module, entry, constants }: PipelineKey,
    name: string,
    op = '',
  ): GPUComputePipelineDescriptor {
    const { shader, layout } = this.#shaderOf(module, op);
    return { label: labelOf(op, name), layout, compute: { module: shader, entryPoint: entry, constants } };
  }

  #shaderOf(module: string, op: string): ShaderEntry {
    const made = this.#shaders.get(module);
    if (made) return made;
    const data: ModuleData = MODULES[module as ModuleName];
    const device = this.#device;
    const shader = device.createShaderModule({ label: labelOf(op, module), code: data.source });
    // A subgroup matrix is loaded as a whole: WebGPU then asks for room for one, at every launch.
    const wholeMatrix = data.source.includes('subgroup_matrix');
    const bindGroupLayout = device.createBindGroupLayout({
      label: module,
      entries: [
        {
          binding: data.uniform,
          visibility: COMPUTE_STAGE,
          buffer: { type: 'uniform', minBindingSize: uniformBytes(data) },
        },
        ...data.bindings.map(
          ({ index, writes, unit }): GPUBindGroupLayoutEntry => ({
            binding: index,
            visibility: COMPUTE_STAGE,
            buffer: {
              type: writes ? 'storage' : 'read-only-storage',
              minBindingSize: wholeMatrix ? 0 : unit,
            },
          }),
        ),
      ],
    });
    const layout = device.createPipelineLayout({ label: module, bindGroupLayouts: [bindGroupLayout] });
    const entry = { shader, bindGroupLayout, layout };
    this.#shaders.set(module, entry);
    return entry;
  }
}

/** Bytes of a module's arguments. */
export function uniformBytes({ fields }: ModuleData): number {
  return Math.max(4, 4 * fields.length);
}

/** Such as `rms-norm.rms_norm with_weight=1`. */
export function nameOf(
  module: string,
  entry: string,
  overrides: Readonly<Record<string, number | boolean>>,
): string {
  let name = `${module}.${entry}`;
  for (const key in overrides) name += ` ${key}=${Number(overrides[key])}`;
  return name;
}

export function constantsOf(overrides: Readonly<Record<string, number | boolean>>): Record<string, number> {
  return Object.fromEntries(Object.entries(overrides).map(([name, value]) => [name, Number(value)]));
}

/** What WebGPU calls an object: the op before the kernel, so that its errors name both. */
export const labelOf = (op: string, kernel: string): string => (op ? `${op}: ${kernel}` : kernel);

/** What WebGPU says of a kernel, with the line that it means. `name`: the kernel, where it is known. */
export function kernelError(message: string, name = ''): KernelError {
  const labels = [...message.matchAll(/"([^"]+)"/g)].map(([, label]) => label!.split(': '));
  const known = labels.filter((label) => label.at(-1)!.split('.')[0]! in MODULES);
  // A layout, which may come first, belongs to no op.
  const label = name ? [name] : (known.find(({ length }) => length > 1) ?? known[0] ?? ['']);
  const kernel = label.at(-1)!;
  const data = MODULES[kernel.split('.')[0] as ModuleName] as ModuleData | undefined;
  const [, line, , what] = /:(\d+):(\d+) error: (.*)/.exec(message) ?? [];
  const place = line && data ? placeIn(kernel.split('.')[0]!, data.source, Number(line)) : undefined;
  return new KernelError(kernel, what ?? firstLine(message), place, label.length > 1 ? label[0] : '');
}

/** Line `number` of a module, with the file of src/kernels and the line that it has there. */
function placeIn(module: string, source: string, number: number): string | undefined {
  const lines = source.split('\n').slice(0, number);
  const text = lines.at(-1);
  if (lines.length < number || !text) return undefined;
  const first = lines.findLastIndex((line) => line.startsWith('//'));
  const [file, at] = lines[first]?.slice(2).split(':') ?? [];
  // What a module enables comes before the first part.
  return at ? `${file || module}.wgsl:${Number(at) + number - first - 2} ${text}` : text;
}
