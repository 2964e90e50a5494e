/** A loss curve for terminals: braille dots, two a column and four a row. */

/** Columns of the scale at the left: six digits and the axis. */
export const SCALE_WIDTH = 8;

/** Lines of text, `width` columns by `height` rows, after those of the scale. Empty for fewer than two values. */
export function lossCurve(
  losses: readonly number[],
  { width = 64, height = 8 }: { readonly width?: number; readonly height?: number } = {},
): string[] {
  if (losses.length < 2 || width < 1) return [];
  const columns = 2 * width;
  const rows = 4 * height;
  const points = Array.from({ length: columns }, (_, column) => {
    const first = Math.floor((column * losses.length) / columns);
    const end = Math.max(first + 1, Math.floor(((column + 1) * losses.length) / columns));
    const part = losses.slice(first, end);
    return part.reduce((sum, loss) => sum + loss, 0) / part.length;
  });
  const low = Math.min(...points);
  const high = Math.max(...points);
  const cells = Array.from({ length: height }, () => new Uint8Array(width));
  const rowOf = (loss: number) => Math.round(((high - loss) / (high - low || 1)) * (rows - 1));
  for (const [column, loss] of points.entries()) {
    // Vertical strokes join neighbours, so that a steep fall is a line and not two dots.
    const [from, to] = [rowOf(loss), rowOf(points[column + 1] ?? loss)].sort((a, b) => a - b) as [
      number,
      number,
    ];
    for (let row = from; row <= to; row++) cells[row >> 2]![column >> 1]! |= DOTS[row & 3]![column & 1]!;
  }
  return cells.map((cellRow, i) => {
    const label = i === 0 ? high.toFixed(2) : i === height - 1 ? low.toFixed(2) : '';
    return `${label.padStart(SCALE_WIDTH - 2)} ┤${String.fromCodePoint(...Array.from(cellRow, (dots) => 0x2800 + dots))}`;
  });
}

/** Bits of the eight dots of a braille cell, by row and column. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];
