/**
 * Figures that stand alone, as SVG text: lines, dots and bands over two axes, a legend, light and dark by the viewer's setting. Self-made
 * and small; knows nothing of scaling laws.
 */
import { axisOver } from './axis.ts';
import { escapeText } from './escape-text.ts';

export interface Axis {
  readonly label: string;
  readonly scale?: 'linear' | 'log';
  readonly format: (value: number) => string;
}

export interface Series {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** `band`: y is the upper edge and `low` the lower one. */
  readonly kind: 'line' | 'dashed' | 'dots' | 'band';
  readonly low?: readonly number[];
  /** Index into the colours; series that belong together share one. */
  readonly color: number;
  /** In the legend. Default true. */
  readonly listed?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly subtitle?: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** A vertical line with a text beside it. */
  readonly marker?: { readonly x: number; readonly label: string } | undefined;
}

const WIDTH = 760;
const HEIGHT = 440;
const PLOT = { left: 66, top: 62, right: 572, bottom: 384 };
/** Light and dark, told apart also by those who see few colours. */
const COLORS: readonly (readonly [light: string, dark: string])[] = [
  ['#2a78d6', '#3987e5'],
  ['#eb6834', '#d95926'],
  ['#1baf7a', '#199e70'],
  ['#c98500', '#c98500'],
  ['#4a3aa7', '#9085e9'],
  ['#d55181', '#d55181'],
  ['#52514e', '#c3c2b7'],
];
const TICKS = 6;
const ROOM = 0.04;

export function chartSvg({ title, subtitle = '', x, y, series, marker }: Chart): string {
  const all = series.flatMap(({ points, low = [] }) => [
    ...points,
    ...low.map((value, i) => [points[i]![0], value] as const),
  ]);
  const columns = [...all.map(([value]) => value), ...(marker ? [marker.x] : [])];
  const rows = all.map(([, value]) => value);
  const across = placesOn(x, columns, [PLOT.left, PLOT.right]);
  const up = placesOn(y, rows, [PLOT.bottom, PLOT.top]);
  const at = ([a, b]: readonly [number, number]): string => `${px(across.at(a))},${px(up.at(b))}`;
  const shapes = series.map((one) => shapeOf(one, at));
  const grid = up.ticks.map((tick) => {
    const row = px(up.at(tick));
    return `<path class="grid" d="M${PLOT.left} ${row}H${PLOT.right}"/><text x="${PLOT.left - 8}" y="${row}" dy=".35em" text-anchor="end">${escapeText(y.format(tick))}</text>`;
  });
  const ticks = across.ticks.map((tick) => {
    const column = px(across.at(tick));
    return `<path class="axis" d="M${column} ${PLOT.bottom}v5"/><text x="${column}" y="${PLOT.bottom + 20}" text-anchor="middle">${escapeText(x.format(tick))}</text>`;
  });
  const listed = series.filter(({ listed: isListed = true }) => isListed);
  const legend = listed.map((one, i) => legendEntry(one, PLOT.top + 10 + 22 * i));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeText(title)}">
<style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${PLOT.left}" y="26">${escapeText(title)}</text>
<text x="${PLOT.left}" y="45">${escapeText(subtitle)}</text>
${[...grid, ...ticks].join('\n')}
<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>
<text x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 14}" text-anchor="middle">${escapeText(x.label)}</text>
<text transform="translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeText(y.label)}</text>
${marker ? markerOf(marker, across.at(marker.x)) : ''}
${shapes.join('\n')}
${legend.join('\n')}
</svg>
`;
}

const STYLE = [
  '.page{fill:#fcfcfb}text{font:12px system-ui,sans-serif;fill:#52514e}.title{font-size:15px;font-weight:600;fill:#0b0b0b}',
  '.grid{stroke:#e1e0d9}.axis,.marker{stroke:#8b8a83;fill:none}.marker{stroke-dasharray:2 3}.line{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:6 4}.band{opacity:.18;stroke:none}.dot{stroke:#fcfcfb;stroke-width:1.5}',
  ...COLORS.map(([light], i) => `.c${i}{stroke:${light}}.f${i}{fill:${light}}`),
  `@media(prefers-color-scheme:dark){.page{fill:#1a1a19}text{fill:#c3c2b7}.title{fill:#fff}.grid{stroke:#2c2c2a}.dot{stroke:#1a1a19}${COLORS.map(([, dark], i) => `.c${i}{stroke:${dark}}.f${i}{fill:${dark}}`).join('')}}`,
].join('\n');

function shapeOf(
  { kind, points, low = [], color }: Series,
  at: (point: readonly [number, number]) => string,
): string {
  const c = color % COLORS.length;
  if (kind === 'dots')
    return points
      .map((point) => {
        const [cx, cy] = at(point).split(',');
        return `<circle class="dot f${c}" cx="${cx}" cy="${cy}" r="4.5"/>`;
      })
      .join('');
  if (kind === 'band') {
    const back = points.map(([a], i) => at([a, low[i]!])).reverse();
    return `<path class="band f${c}" d="M${[...points.map(at), ...back].join('L')}Z"/>`;
  }
  return `<path class="line c${c}${kind === 'dashed' ? ' dashed' : ''}" d="M${points.map(at).join('L')}"/>`;
}

function legendEntry({ label, kind, color }: Series, row: number): string {
  const left = PLOT.right + 18;
  const c = color % COLORS.length;
  const shapes = {
    dots: `<circle class="dot f${c}" cx="${left + 11}" cy="${row}" r="4.5"/>`,
    band: `<rect class="band f${c}" x="${left}" y="${row - 6}" width="22" height="12"/>`,
    line: `<path class="line c${c}" d="M${left} ${row}h22"/>`,
    dashed: `<path class="line dashed c${c}" d="M${left} ${row}h22"/>`,
  };
  return `${shapes[kind]}<text x="${left + 30}" y="${row}" dy=".35em">${escapeText(label)}</text>`;
}

function markerOf({ label }: { readonly label: string }, column: number): string {
  return `<path class="marker" d="M${px(column)} ${PLOT.top}V${PLOT.bottom}"/><text x="${px(column + 6)}" y="${PLOT.top - 4}">${escapeText(label)}</text>`;
}

/** Where values lie between two edges of the plot. */
function placesOn(
  { scale }: Axis,
  values: readonly number[],
  [from, to]: readonly [number, number],
): { readonly ticks: readonly number[]; at(value: number): number } {
  const { ticks, at } = axisOver(values, { scale, ticks: TICKS, room: ROOM });
  return { ticks, at: (value) => from + at(value) * (to - from) };
}

const px = (value: number): string => String(Number(value.toFixed(1)));
