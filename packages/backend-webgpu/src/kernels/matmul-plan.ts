/** Which form of the matrix product takes which sizes: numbers alone, so that forms can be compared and timed. */

/** Tiles through workgroup memory: 8 by 8 of the result a thread. */
export interface TiledForm {
  readonly entry: 'tiled';
  readonly tileM: number;
  readonly tileN: number;
  readonly tileK: number;
  /** Parts that k is cut into, summed afterwards in order. */
  readonly splits: number;
}

/** 4 by 4 of the result a thread, from registers alone; `across` of 64 threads lie side by side along n. */
export interface DirectForm {
  readonly entry: 'direct';
  readonly across: number;
  readonly splits: number;
}

/**
 * 8 by 8 of the result a thread, from registers alone, for sizes that are multiples of that; 4 by 4 where they are not.
 */
export interface WideDirectForm {
  readonly entry: 'direct8';
  readonly across: number;
  readonly splits: 1;
}

/** A few rows of a: columns of b side by side, or, where b is stored transposed, threads along k. */
export interface FewForm {
  readonly entry: 'few';
  readonly splits: number;
}

/** Tiles of 128 by 128 without a test in the loop, for sizes and rows that are whole vectors; tiles as above where they are not. */
export interface WholeForm {
  readonly entry: 'whole';
  readonly splits: number;
}

export type MatmulForm = TiledForm | WholeForm | DirectForm | WideDirectForm | FewForm;

export interface ProductSizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Tiles in the order in which they are tried; each needs at most 16 KiB of workgroup memory. */
const TILES: readonly (readonly [tileM: number, tileN: number, tileK: number])[] = [
  [128, 128, 16],
  [128, 64, 16],
  [64, 64, 16],
];
/** Rows, columns and terms of a tile of matmul-whole.wgsl; tiles from which on it is the fastest, and workgroups that it wants. */
export const WHOLE_TILE = [128, 128, 16] as const;
const [WHOLE_TILES, WHOLE_GROUPS] = [64, 256] as const;
/** Rows of a that the form for few takes. */
export const FEW_ROWS = 8;
/** Workgroups of `threads` that are enough to keep a GPU busy. */
const ENOUGH_THREADS = 2 ** 15;
/** Terms of a sum that are worth a part of their own, and parts at most. */
const LEAST_K = 256;
const MOST_SPLITS = 16;
/** Elements of a result below which threads of 4 by 4 are enough. */
const SMALL_RESULT = 2 ** 12;

/** The form for a product; `barrierFree` where workgroup memory is slow. */
export function matmulForm(sizes: ProductSizes, transposeA: boolean, barrierFree: boolean): MatmulForm {
  const { batch, m, n, k } = sizes;
  if (barrierFree) {
    if (m % 8 === 0 && n % 8 === 0 && k % 4 === 0)
      return { entry: 'direct8', across: m < 128 ? 8 : 4, splits: 1 };
    return { entry: 'direct', across: m <= 8 ? 32 : 8, splits: 1 };
  }
  if (m <= FEW_ROWS && !transposeA) return fewForm(sizes);
  if (batch * m * n <= SMALL_RESULT || m <= 16 || n <= 16) return directForm(sizes);
  return wholeForm(sizes) ?? tiledForm(sizes);
}

/** Undefined where the sizes are no whole vectors and steps, or too small. */
function wholeForm({ batch, m, n, k }: ProductSizes): WholeForm | undefined {
  const [tileM, tileN, tileK] = WHOLE_TILE;
  if (m % 4 !== 0 || n % 4 !== 0 || k % tileK !== 0) return undefined;
  const tiles = batch * Math.ceil(m / tileM) * Math.ceil(n / tileN);
  const fills = m > tileM / 2 && n > tileN / 2;
  if (!fills || tiles < WHOLE_TILES) return undefined;
  const wanted = Math.floor(WHOLE_GROUPS / tiles);
  return { entry: 'whole', splits: Math.max(1, Math.min(wanted, Math.floor(k / LEAST_K), MOST_SPLITS)) };
}

/** Tiles that take any sizes. */
export function tiledForm({ batch, m, n, k }: ProductSizes): TiledForm {
  for (const [tileM, tileN, tileK] of TILES) {
    const tiles = batch * Math.ceil(m / tileM) * Math.ceil(n / tileN);
    const fills = m > tileM / 2 && n > tileN / 2;
    const isLast = tileM === 64 && tileN === 64;
    if (!isLast && (!fills || tiles * tileM * tileN < 64 * ENOUGH_THREADS)) continue;
    const splits = splitsFor(tiles * ((tileM * tileN) / 64), k);
    return { entry: 'tiled', tileM, tileN, tileK, splits };
  }
  throw new Error('unreachable: the last tile takes every size');
}

function directForm({ batch, m, n, k }: ProductSizes): DirectForm {
  const threads = batch * Math.ceil(m / 4) * Math.ceil(n / 4);
  return { entry: 'direct', across: m <= 8 ? 32 : 8, splits: splitsFor(threads, k) };
}

function fewForm({ batch, n, k }: ProductSizes): FewForm {
  return { entry: 'few', splits: splitsFor(batch * n, k) };
}

/** How often k is worth cutting when `threads` work already. */
function splitsFor(threads: number, k: number): number {
  const wanted = Math.floor(ENOUGH_THREADS / Math.max(1, threads));
  return Math.max(1, Math.min(wanted, Math.floor(k / LEAST_K), MOST_SPLITS));
}
