// Whether a store holds exactly the tensors that somebody is about to load. Reads headers only, never data.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { nearestName } from '../json/nearest-name.ts';
import type { Dtype } from './dtype.ts';
import type { TensorStore } from './read.ts';

export interface TensorRequirement {
  /** Stands in square brackets in messages. */
  readonly label: string;
  readonly dtypes: readonly Dtype[];
  /** What a tensor that nobody asked for does: `belongs to no parameter of this model`. */
  readonly unexpected: string;
  /** What to do, at the end of every message. */
  readonly advice: string;
}

/**
 * Every name with its shape and one of the dtypes, and no other tensor.
 * @throws FormatError `missing-tensor` (with the nearest name among those that are too many), `shape`, `dtype` or
 * `unexpected-tensor`, for the first tensor at fault
 */
export function requireTensors(
  store: TensorStore,
  expected: ReadonlyMap<string, readonly number[]>,
  { label, dtypes, unexpected, advice }: TensorRequirement,
): void {
  const error = (code: FormatError['code'], tensor: string, problem: string): FormatError => {
    const message = `[${label}] ${showName(store.name)}: tensor ${show(tensor)} ${problem}; ${advice}`;
    return new FormatError(code, message, { file: store.name, tensor });
  };
  const strange = [...store.tensors.keys()].filter((name) => !expected.has(name));
  for (const [name, shape] of expected) {
    const stored = store.tensors.get(name);
    if (!stored) {
      const near = nearestName(name, strange);
      throw error(
        'missing-tensor',
        name,
        `${list(shape)} is missing${near ? `, there is ${show(near)}` : ''}`,
      );
    }
    if (list(stored.shape) !== list(shape))
      throw error('shape', name, `must have shape ${list(shape)}, got ${list(stored.shape)}`);
    if (!dtypes.includes(stored.dtype))
      throw error(
        'dtype',
        name,
        `must be ${dtypes.length > 2 ? `one of ${dtypes.join(', ')}` : dtypes.join(' or ')}, got ${stored.dtype}`,
      );
  }
  if (strange[0] !== undefined) throw error('unexpected-tensor', strange[0], unexpected);
}

const list = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
