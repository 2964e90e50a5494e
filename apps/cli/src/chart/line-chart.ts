/** A chart of lines and points as one SVG text: no script, no font, no address; colours follow the page's scheme. */
import { type Axis, axisOver, tickLabel } from './axis.ts';
import { escapeText } from './escape-text.ts';

export interface Series {
  readonly name: string;
  /** x, y; a y that is not finite breaks the line. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Of `COLORS`; default: the series' place in the chart. */
  readonly color?: number;
  /** Default: a line. */
  readonly form?: 'line' | 'points' | 'faint' | 'dashed';
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale?: Axis['scale'];
  readonly yScale?: Axis['scale'];
  /** Pixels. Default 460 x 280. */
  readonly width?: number;
  readonly height?: number;
  /** Names of the series under the chart. Default true. */
  readonly legend?: boolean;
}

/** Told apart by people with any colour vision, on white and on dark (after Okabe and Ito, 2008). */
export const COLORS: readonly string[] = [
  ...['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#999999', '#b0a000'],
];

/** Rules that a chart needs, once a document. */
export const CHART_STYLE = `
.chart { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; color: #222 }
.chart text { fill: currentColor } .chart .title { font-weight: 600; font-size: 13px }
.chart .grid { stroke: currentColor; stroke-opacity: .12 } .chart .frame { stroke: currentColor; stroke-opacity: .5; fill: none }
@media (prefers-color-scheme: dark) { .chart { color: #ddd } }
`.trim();

const MARGIN = { left: 58, right: 12, top: 26, bottom: 40 };
const LEGEND_ROW = 16;

export function lineChart(series: readonly Series[], options: ChartOptions): string {
  const { title, xLabel, yLabel, width = 460, height = 280, legend = true } = options;
  const x = axisOver(valuesOf(series, 0), { scale: options.xScale });
  const y = axisOver(valuesOf(series, 1), { scale: options.yScale });
  const named = legend ? series.filter(({ name, form }) => name !== '' && form !== 'faint') : [];
  const columns = Math.max(1, Math.floor((width - MARGIN.left) / 130));
  const legendHeight = Math.ceil(named.length / columns) * LEGEND_ROW;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const place = {
    x: (value: number) => round(MARGIN.left + x.at(value) * inner.width),
    y: (value: number) => round(MARGIN.top + (1 - y.at(value)) * inner.height),
  };
  const [right, bottom] = [MARGIN.left + inner.width, MARGIN.top + inner.height];
  const parts = [
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + legendHeight}" width="${width}" role="img" aria-label="${escapeText(title)}">`,
    `<text class="title" x="${MARGIN.left}" y="16">${escapeText(title)}</text>`,
    ...x.ticks.flatMap((tick) => [
      `<path class="grid" d="M${place.x(tick)} ${MARGIN.top}V${bottom}"/>`,
      `<text x="${place.x(tick)}" y="${bottom + 14}" text-anchor="middle">${tickLabel(tick)}</text>`,
    ]),
    ...y.ticks.flatMap((tick) => [
      `<path class="grid" d="M${MARGIN.left} ${place.y(tick)}H${right}"/>`,
      `<text x="${MARGIN.left - 6}" y="${place.y(tick) + 4}" text-anchor="end">${tickLabel(tick)}</text>`,
    ]),
    `<path class="frame" d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${right}"/>`,
    `<text x="${MARGIN.left + inner.width / 2}" y="${bottom + 32}" text-anchor="middle">${escapeText(xLabel)}</text>`,
    `<text transform="translate(13 ${MARGIN.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escapeText(yLabel)}</text>`,
    ...series.map((one, i) => drawn(one, colorOf(one, i), place, y)),
    ...named.map((one, i) => {
      const left = MARGIN.left + (i % columns) * 130;
      const top = height + Math.floor(i / columns) * LEGEND_ROW;
      const mark = `<path d="M${left} ${top}h14" stroke="${colorOf(one, series.indexOf(one))}" stroke-width="3"${dash(one)}/>`;
      return `${mark}<text x="${left + 19}" y="${top + 4}">${escapeText(one.name)}</text>`;
    }),
    '</svg>',
  ];
  return parts.join('\n');
}

const colorOf = ({ color }: Series, place: number): string => COLORS[(color ?? place) % COLORS.length]!;
const dash = ({ form }: Series): string => (form === 'dashed' ? ' stroke-dasharray="5 4"' : '');

function drawn(
  series: Series,
  color: string,
  place: { x(value: number): number; y(value: number): number },
  y: Axis,
): string {
  const isThere = (value: number) => Number.isFinite(value) && (y.scale === 'linear' || value > 0);
  if (series.form === 'points') {
    const dots = series.points.filter(([, value]) => isThere(value));
    return dots
      .map(([px, py]) => `<circle cx="${place.x(px)}" cy="${place.y(py)}" r="3" fill="${color}"/>`)
      .join('');
  }
  let path = '';
  let isOpen = false;
  for (const [px, py] of series.points) {
    if (isThere(py)) path += `${isOpen ? 'L' : 'M'}${place.x(px)} ${place.y(py)}`;
    isOpen = isThere(py);
  }
  const faint = series.form === 'faint';
  return `<path fill="none" stroke="${color}" stroke-width="${faint ? 1 : 1.6}"${faint ? ' stroke-opacity=".25"' : ''}${dash(series)} d="${path}"/>`;
}

function* valuesOf(series: readonly Series[], which: 0 | 1): Iterable<number> {
  for (const { points } of series) for (const point of points) yield point[which];
}

const round = (value: number): number => Math.round(10 * value) / 10;
