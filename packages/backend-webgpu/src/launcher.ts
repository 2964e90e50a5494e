/** From views and numbers to one dispatch: places in bindings, arguments, and the copies that WebGPU's rules ask for. */
import { type DType, sizeOf, type View } from '@qsparse/core';
import { movesOf, type Place, placeOf } from './bindings.ts';
import { LimitError } from './errors.ts';
import type { Grid, LaunchContext, ModuleName } from './launch.ts';
import type { ModuleData } from './module-data.ts';
import { constantsOf, nameOf, type Pipeline, type PipelineKey, type Pipelines } from './pipelines.ts';
import type { Work } from './queue.ts';
import { partOf, rangesOf } from './sections.ts';
import type { Variant } from './variant.ts';

export interface LauncherOptions {
  readonly variant: Variant;
  readonly barrierFree: boolean;
  readonly maxBinding: number;
  readonly maxGroups: number;
  readonly pipelines: Pipelines;
  bufferOf(slot: number): GPUBuffer;
  /** A buffer for an absent binding; `index` keeps written ones apart. */
  scratch(index: number): GPUBuffer;
  alloc(bytes: number): number;
  free(slot: number): void;
  enqueue(work: Work): void;
}

export interface Launcher {
  readonly context: LaunchContext;
  /** Names the op of the launches from here on. */
  beginOp(op: string): void;
  /** Frees what they took. */
  endOp(): void;
  /** From now on launches only name their pipelines; returns what stops it and gives them. */
  rehearse(): () => readonly PipelineKey[];
}

type Views = Readonly<Record<string, View | undefined>>;
type Numbers = Readonly<Record<string, number>>;

export function createLauncher(options: LauncherOptions): Launcher {
  const { pipelines, maxBinding, maxGroups, bufferOf } = options;
  const temporaries: number[] = [];
  let op = '';
  let rehearsed: PipelineKey[] | undefined;
  const bits = new ArrayBuffer(4);
  const [asFloat, asWord] = [new Float32Array(bits), new Uint32Array(bits)];

  const temporary = (bytes: number, dtype: DType = 'f32'): View => {
    const words = Math.max(1, Math.ceil(bytes / 4));
    const slot = options.alloc(4 * words);
    temporaries.push(slot);
    const perWord = { f32: 1, i32: 1, bf16: 2, i8: 4, ternary: 16 }[dtype];
    return { slot, offset: 0, dtype, shape: [words * perWord] };
  };

  const wordsOf = (
    data: ModuleData,
    args: Numbers,
    places: readonly (Place | undefined)[],
  ): Uint32Array<ArrayBuffer> => {
    const words = new Uint32Array(data.fields.length);
    for (const [i, { name, type, view }] of data.fields.entries()) {
      const value = view
        ? (places[data.bindings.findIndex((binding) => binding.name === view)]?.at ?? 0)
        : args[name]!;
      if (type === 'f32') {
        asFloat[0] = value;
        words[i] = asWord[0]!;
      } else words[i] = value;
    }
    return words;
  };

  const dispatch = (pipeline: Pipeline, tensors: Views, args: Numbers, [x, y, z]: Grid): void => {
    const { data, label } = pipeline;
    const places = data.bindings.map((binding) => {
      const view = tensors[binding.name];
      return view && placeOf(view, binding, hasAt(data, binding.name), maxBinding, label);
    });
    const after: Work[] = [];
    for (const { binding, view, from, bytes } of movesOf(data, tensors, places)) {
      const moved = temporary(bytes);
      const [slot, temp] = [bufferOf(view.slot), bufferOf(moved.slot)];
      options.enqueue({ from: slot, fromOffset: from, to: temp, toOffset: 0, bytes });
      const there = { ...view, slot: moved.slot, offset: view.offset - from };
      places[data.bindings.indexOf(binding)] = placeOf(there, binding, true, maxBinding, label);
      if (!binding.writes) continue;
      const [skip, length] = [view.offset - from, bytes - (view.offset - from)];
      after.push({ from: temp, fromOffset: skip, to: slot, toOffset: view.offset, bytes: length });
    }
    const entries = data.bindings.map(({ index }, i): GPUBindGroupEntry => {
      const place = places[i];
      if (!place) return { binding: index, resource: { buffer: options.scratch(i) } };
      const { slot, offset, size } = place;
      return { binding: index, resource: { buffer: bufferOf(slot), offset, size } };
    });
    options.enqueue({ op, pipeline, entries, words: wordsOf(data, args, places), x, y, z });
    for (const work of after) options.enqueue(work);
  };

  const context: LaunchContext = {
    variant: options.variant,
    barrierFree: options.barrierFree,
    maxBinding,
    launch(module, entry, tensors, args, grid, overrides) {
      if (grid.some((groups) => groups === 0)) return;
      const constants = (overrides ?? {}) as Readonly<Record<string, number | boolean>>;
      if (rehearsed) {
        rehearsed.push({ module, entry, constants: constantsOf(constants) });
        return;
      }
      if (grid.some((groups) => groups > maxGroups)) {
        const name = nameOf(module, entry, constants);
        const what = `kernel ${name}: a grid of ${grid.join(' x ')} workgroups`;
        throw new LimitError('maxComputeWorkgroupsPerDimension', what, 'use a smaller batch');
      }
      const pipeline = pipelines.get(module as ModuleName, entry, constants, op);
      dispatch(pipeline, tensors as Views, args as Numbers, grid);
    },
    grid(workgroups) {
      if (workgroups <= maxGroups) return [workgroups, 1, 1];
      const y = Math.ceil(workgroups / maxGroups);
      return [Math.ceil(workgroups / y), y, 1];
    },
    temporary,
    isAligned: (view, bytes) => !view || view.offset % bytes === 0,
    sections: (view, multipleOf) =>
      rangesOf(Math.ceil(sizeOf(view.shape) / multipleOf), [[view, multipleOf]], maxBinding).map(
        ({ first, count }) => {
          const start = first * multipleOf;
          return partOf(view, start, Math.min(count * multipleOf, sizeOf(view.shape) - start));
        },
      ),
    ranges: (count, shares) => rangesOf(count, shares, maxBinding),
    part: partOf,
  };

  return {
    context,
    beginOp(name) {
      op = name;
    },
    endOp() {
      op = '';
      for (const slot of temporaries) options.free(slot);
      temporaries.length = 0;
    },
    rehearse() {
      const keys: PipelineKey[] = [];
      rehearsed = keys;
      return () => {
        rehearsed = undefined;
        return keys;
      };
    },
  };
}

const hasAt = ({ fields }: ModuleData, binding: string): boolean =>
  fields.some(({ view }) => view === binding);
