/** The loss curve as SVG. Drawing is a function of the points; the page only puts its result in. */
export interface Point {
  readonly step: number;
  readonly loss: number;
}

const WIDTH = 640;
const HEIGHT = 240;
const MARGIN = { left: 44, right: 12, top: 12, bottom: 24 };
/** More points than this are not to be seen at this width: neighbours are averaged. */
const MOST_POINTS = 400;

/** Markup for the inside of an `<svg viewBox="0 0 640 240">`; nothing without a point. */
export function drawCurve(points: readonly Point[]): string {
  const shown = thinned(points);
  const [first, last] = [shown[0], shown.at(-1)];
  if (!first || !last) return '';
  const losses = shown.map(({ loss }) => loss);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const x = (step: number): number =>
    MARGIN.left +
    ((step - first.step) / Math.max(1, last.step - first.step)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (loss: number): number =>
    MARGIN.top + ((high - loss) / Math.max(high - low, 1e-9)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const path = shown.map(
    ({ step, loss }, i) => `${i === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`,
  );
  const base = HEIGHT - MARGIN.bottom;
  const text = (at: string, anchor: string, what: string | number): string =>
    `<text ${at} text-anchor="${anchor}">${what}</text>`;
  return [
    `<line x1="${MARGIN.left}" y1="${base}" x2="${WIDTH - MARGIN.right}" y2="${base}"/>`,
    `<line x1="${MARGIN.left}" y1="${MARGIN.top}" x2="${MARGIN.left}" y2="${base}"/>`,
    text(`x="${MARGIN.left - 6}" y="${MARGIN.top + 4}"`, 'end', high.toFixed(2)),
    text(`x="${MARGIN.left - 6}" y="${base + 4}"`, 'end', low.toFixed(2)),
    text(`x="${MARGIN.left}" y="${HEIGHT - 6}"`, 'start', first.step),
    text(`x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}"`, 'end', last.step),
    `<path d="${path.join('')}"/>`,
  ].join('');
}

/** The mean of every few points, so that at most MOST_POINTS are left. */
function thinned(points: readonly Point[]): readonly Point[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  if (every <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / every) }, (_, i) => {
    const group = points.slice(i * every, (i + 1) * every);
    return { step: group.at(-1)!.step, loss: group.reduce((sum, { loss }) => sum + loss, 0) / group.length };
  });
}
