import { escapeHtml } from '../src/report/html.js';
import { spread } from './spread.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  /** Written at its end. */
  readonly name: string;
  /** Of the style sheet. */
  readonly style: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  /** What x is. */
  readonly across: string;
  readonly lines: readonly Line[];
}

export const WIDTH = 900;
export const HEIGHT = 470;
const LEFT = 62;
const RIGHT = 672;
const TOP = 44;
const BOTTOM = HEIGHT - 48;
/** Between two names. */
const GAP = 17;

/** Log-log, with each line's name at its end. The range of y is that of all charts, so that they compare. */
export function chart({ title, across, lines }: Chart, low: number, high: number): string {
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const x = scale(sizes[0], sizes[sizes.length - 1], LEFT, RIGHT);
  const y = scale(low, high, BOTTOM, TOP);
  const ends = lines.map(({ points }) => y(points[points.length - 1].y));
  const names = spread(ends, GAP, TOP + 6, BOTTOM);
  return [
    `<text class="title" x="${LEFT}" y="24">${escapeHtml(title)}</text>`,
    ...ticks(low, high).map(
      (value) =>
        `<path class="${value === 1 ? 'floor' : 'grid'}" d="M${LEFT} ${at(y(value))}H${RIGHT}"/>` +
        `<text class="note" text-anchor="end" x="${LEFT - 8}" y="${at(y(value) + 4)}">${value}×</text>`,
    ),
    ...sizes.map(
      (value) =>
        `<path class="grid" d="M${at(x(value))} ${TOP}V${BOTTOM}"/>` +
        `<text class="note" text-anchor="middle" x="${at(x(value))}" y="${BOTTOM + 18}">${value}</text>`,
    ),
    `<text class="note" text-anchor="middle" x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 38}">${escapeHtml(across)}</text>`,
    ...lines.map(({ name, style, points }, index) => {
      const path = points.map((point) => `${at(x(point.x))} ${at(y(point.y))}`).join('L');
      const dots = points.map((point) => `<circle cx="${at(x(point.x))}" cy="${at(y(point.y))}" r="3.2"/>`);
      const last = x(points[points.length - 1].x);
      return (
        `<g class="${style}"><title>${escapeHtml(said({ name, style, points }))}</title>` +
        `<path class="line" d="M${path}"/>${dots.join('')}` +
        `<path class="lead" d="M${at(last + 5)} ${at(ends[index])}L${RIGHT + 16} ${at(names[index])}"/>` +
        `<text x="${RIGHT + 20}" y="${at(names[index] + 4)}">${escapeHtml(name)}</text></g>`
      );
    }),
  ].join('\n');
}

/** The figures of a line, for who does not see it. */
export const said = ({ name, points }: Line): string =>
  `${name}: ${points.map(({ x, y }) => `${Number(y.toPrecision(2))} at ${x}`).join(', ')}`;

/** Logarithmic, from [low, high] to [start, end]. */
function scale(low: number, high: number, start: number, end: number): (value: number) => number {
  const range = Math.log(high / low) || 1;
  return (value) => start + ((end - start) * Math.log(value / low)) / range;
}

/** Powers of ten in [low, high], with 2 and 5 of each where there are few. */
function ticks(low: number, high: number): number[] {
  const steps = high / low > 5000 ? [1] : [1, 2, 5];
  const powers = [-2, -1, 0, 1, 2, 3, 4, 5, 6];
  return powers
    .flatMap((power) => steps.map((step) => Number((step * 10 ** power).toPrecision(1))))
    .filter((value) => value >= low && value <= high);
}

const at = (place: number): string => Number(place.toFixed(1)).toString();
