/** Attention and its gradient in tiles through workgroup memory: 32 rows by 32 keys, 64 columns of the result. */
import type { LaunchContext } from '../launch.ts';
import { attentionRows, type BackwardViews, type ForwardViews } from './attention-blocks.ts';
import { type AttentionNumbers, headsAreVectors } from './attention-sizes.ts';
import { flatGrid } from './elementwise.ts';

/** As in attention-tile.wgsl. */
const TILE = 32;
const COLUMNS = 64;
/** Workgroups that keep a GPU busy, and keys that are worth a workgroup of their own. */
const ENOUGH_WORKGROUPS = 512;
const LEAST_KEYS = 128;
const MOST_SPLITS = 64;

export function attendInTiles(views: ForwardViews, numbers: AttentionNumbers, context: LaunchContext): void {
  const { q, k, v, y, logSumExp, position, first } = views;
  const { batch, queries, keys, heads, groups, width, scale, window, places } = numbers;
  const rowTiles = Math.ceil((queries * (heads / groups)) / TILE);
  const columnTiles = Math.ceil(width / COLUMNS);
  const tiles = batch * groups * rowTiles * columnTiles;
  // Only a handful of rows (decoding) leaves so few workgroups that keys must be cut.
  const wanted = Math.min(MOST_SPLITS, Math.floor(ENOUGH_WORKGROUPS / tiles), Math.floor(keys / LEAST_KEYS));
  const keysOfSplit = Math.ceil(keys / Math.max(1, wanted) / TILE) * TILE;
  const splits = Math.ceil(keys / keysOfSplit);
  const rows = batch * queries * heads;
  const paddedWidth = columnTiles * COLUMNS;
  const sumsBegin = splits * rows * paddedWidth;
  const parts = splits > 1 ? context.temporary((sumsBegin + splits * rows * 2) * 4) : undefined;
  const workgroups = tiles * splits;
  context.launch(
    headsAreVectors(width, [q, k, v, y], context) ? 'attention-tiles-vec4' : 'attention-tiles',
    'attention',
    {
      ...{ q, k, v, position, first, parts },
      ...{ y: parts ? undefined : y, log_sum_exp: parts ? undefined : logSumExp },
    },
    {
      ...{ workgroups, queries, keys, heads, groups, width, rowTiles, columnTiles },
      ...{ splits, keysOfSplit, sumsBegin, window, places, scale },
    },
    context.grid(workgroups),
  );
  if (!parts) return;
  const elements = rows * width;
  context.launch(
    'attention-merge',
    'merge',
    { parts, y, log_sum_exp: logSumExp },
    { elements, width, paddedWidth, rows, splits, sumsBegin },
    flatGrid(context, elements),
  );
}

export function attendBackwardInTiles(
  views: BackwardViews,
  numbers: AttentionNumbers,
  context: LaunchContext,
): void {
  const { dy, q, k, v, dq, dk, dv } = views;
  const { batch, queries, keys, heads, groups, width, scale, places } = numbers;
  const rows = attentionRows(views, numbers, context);
  const rowTiles = Math.ceil((queries * (heads / groups)) / TILE);
  const keyTiles = Math.ceil(keys / TILE);
  const columnTiles = Math.ceil(width / COLUMNS);
  const kernel = headsAreVectors(width, [q, k, v, dy, dq, dk, dv], context)
    ? 'attention-tiles-backward-vec4'
    : 'attention-tiles-backward';
  const args = { queries, keys, heads, groups, width, rowTiles, keyTiles, columnTiles, places, scale };
  const forKeys = batch * groups * keyTiles * columnTiles;
  const inputs = { q, k, v, dy, rows };
  context.launch(
    kernel,
    'keys',
    { ...inputs, dx: dk, dv },
    { ...args, workgroups: forKeys },
    context.grid(forKeys),
  );
  const forQueries = batch * groups * rowTiles * columnTiles;
  context.launch(
    kernel,
    'queries',
    { ...inputs, dx: dq, dv: undefined },
    { ...args, workgroups: forQueries },
    context.grid(forQueries),
  );
}
