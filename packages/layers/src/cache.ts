/**
 * Room for keys and values, allocated once; a call writes to it from positions that live on the device. Layers with a
 * sliding window may have a room for window and call alone: when it is full, the newest keys move to its front, so that
 * a key's place in the room is its position less what was moved away. Rotary angles go by position, masks by place.
 */
import {
  keep,
  kvAppend,
  noGrad,
  rows,
  scope,
  slice,
  type Tensor,
  tensor,
  ValueError,
  write,
  zeros,
} from '@qsparse/core';
import type { KeyValueCache, LayerCache } from './attention.ts';
import type { Decoder } from './decoder.ts';

export interface CacheOptions {
  /** A position for each sequence; else all are at one. Default false. */
  readonly positionPerRow?: boolean | undefined;
  /**
   * Tokens of a sequence that a call has at most. Where given, layers with a sliding window have room for the window and
   * a call (or 64 tokens) in place of `capacity`.
   */
  readonly longestCall?: number | undefined;
}

/** Tokens between two moves at least: a move copies a whole window. */
const LEAST_SLACK = 64;

/**
 * A cache for `batch` sequences of up to `capacity` tokens (default and most: the context length), at position 0.
 * Owned by the caller. Throws ValueError for a capacity that does not fit.
 */
export function createCache(
  model: Decoder,
  batch: number,
  capacity: number = model.config.contextLength,
  { positionPerRow = false, longestCall }: CacheOptions = {},
): KeyValueCache {
  const { device } = model;
  const { keyValueHeads, headSize, contextLength } = model.config;
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= contextLength)) {
    throw new ValueError(
      'createCache',
      `capacity must be from 1 to the context length ${contextLength}, got ${capacity}`,
    );
  }
  const windows = model.blocks.map(({ attention }) => attention.window ?? model.config.slidingWindow);
  const window = Math.max(...windows);
  const needed = window - 1 + Math.max(longestCall ?? 0, LEAST_SLACK);
  const isRolling = window > 0 && longestCall !== undefined && needed < capacity;
  const positions = positionPerRow ? batch : 1;
  const numbers = () => keep(tensor(device, new Int32Array(positions), [positions], 'i32'));
  const room = (length: number) =>
    keep(zeros(device, [batch, length, keyValueHeads, headSize], model.compute));

  const position = numbers();
  const place = isRolling ? numbers() : position;
  const layers = windows.map((own): LayerCache => {
    const rolls = isRolling && own > 0;
    const length = rolls ? needed : capacity;
    return { keys: room(length), values: room(length), position, place: rolls ? place : position };
  });
  const front = isRolling
    ? createFront(
        layers.filter((layer) => layer.place !== position),
        { window, positions },
      )
    : undefined;
  return cacheOf({ layers, position, place, front, first: 0 });
}

/** The room of layers with a sliding window. */
interface Front {
  /** Where in it the token at position `at` of sequence `row` goes, with room for `length` tokens from there on. */
  makeRoom(row: number, at: number, length: number): number;
  reaches(row: number, at: number): boolean;
  dispose(): void;
}

function createFront(
  layers: readonly LayerCache[],
  { window, positions }: { readonly window: number; readonly positions: number },
): Front {
  const { keys } = layers[0]!;
  const length = keys.shape[1]!;
  const zero = keep(tensor(keys.device, [0], [1], 'i32'));
  /** Of each sequence: the position that lies at place 0. */
  const bases = Array.from({ length: positions }, () => 0);
  const move = (row: number, from: number, count: number): void =>
    scope(() =>
      noGrad(() => {
        for (const layer of layers) {
          for (const whole of [layer.keys, layer.values]) {
            const own = positions > 1 ? rows(whole, row, 1) : whole;
            kvAppend(own, slice(own, 1, from, count), zero);
          }
        }
      }),
    );
  const reaches = (row: number, at: number): boolean =>
    at === 0 || at - bases[row]! >= Math.min(at, window - 1);
  return {
    reaches,
    makeRoom(row, at, tokens) {
      if (at === 0) bases[row] = 0;
      const place = at - bases[row]!;
      const seen = Math.min(at, window - 1);
      if (!reaches(row, at)) {
        throw new ValueError(
          'cache',
          `position ${at} needs keys from ${at - seen} on, those before ${bases[row]} are gone`,
          'begin again at position 0',
        );
      }
      if (place + tokens <= length) return place;
      if (seen + tokens > length) {
        throw new ValueError(
          'cache',
          `a call has room for ${length - window + 1} tokens, got ${tokens}`,
          'give createCache the longestCall',
        );
      }
      if (seen > 0) move(row, place - seen, seen);
      bases[row] = at - seen;
      return seen;
    },
    dispose: () => zero.dispose(),
  };
}

interface CacheParts {
  readonly layers: readonly LayerCache[];
  readonly position: Tensor;
  readonly place: Tensor;
  readonly front: Front | undefined;
  /** The sequence that is its first one, of those that `front` knows. */
  readonly first: number;
}

function cacheOf({ layers, position, place, front, first }: CacheParts): KeyValueCache {
  const count = position.size;
  return {
    layers,
    position,
    seek(positions, length) {
      const all = typeof positions === 'number' ? Array.from({ length: count }, () => positions) : positions;
      write(position, all);
      if (front)
        write(
          place,
          all.map((at, i) => front.makeRoom(first + i, at, length)),
        );
    },
    reaches: (at) =>
      !front || Array.from({ length: count }, (_, i) => first + i).every((i) => front.reaches(i, at)),
    row(row) {
      const [batch, positions] = [layers[0]!.keys.shape[0]!, position.shape[0]!];
      if (positions !== batch) {
        throw new ValueError('cache', 'a row needs a position of its own', 'make it with positionPerRow');
      }
      const number = () => keep(tensor(position.device, [0], [1], 'i32'));
      const own = number();
      const ownPlace = front ? number() : own;
      const part = (whole: Tensor) => keep(rows(whole, row, 1));
      const views = layers.map((layer) => ({
        keys: part(layer.keys),
        values: part(layer.values),
        position: own,
        place: layer.place === position ? own : ownPlace,
      }));
      const shared = front && { ...front, dispose: () => {} };
      return cacheOf({ layers: views, position: own, place: ownPlace, front: shared, first: first + row });
    },
    dispose() {
      for (const { keys, values } of layers) {
        keys.dispose();
        values.dispose();
      }
      position.dispose();
      place.dispose();
      front?.dispose();
    },
  };
}
