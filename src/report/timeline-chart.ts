import { KINDS } from '../trace/function-counts.js';
import type { Timeline } from '../trace/timeline.js';
import { many, number } from './numbers.js';

const WIDTH = 1000;
const ROW = 46;
const BAND = 34;
const LABEL = 150;
const AXIS = 24;

/** Accesses over time, a band a kind, each on its own scale: most are direct by far. */
export function timelineChart(timeline: Timeline): string {
  const bands = [...KINDS, 'unclaimed']
    .map((name, index) => ({ name, counts: timeline.series[index].subarray(0, timeline.length) }))
    .filter(({ counts }) => counts.some((count) => count > 0));
  const height = bands.length * ROW + AXIS;
  const x = (step: number) => LABEL + ((WIDTH - LABEL) * step) / timeline.length;
  const rows = bands.map(({ name, counts }, index) => {
    const most = Math.max(...counts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const base = index * ROW + BAND + 6;
    const path = [`M${x(0)} ${base}`];
    counts.forEach((count, step) => {
      // The square root keeps a few accesses visible beside many.
      const y = (base - BAND * Math.sqrt(count / most)).toFixed(1);
      if (count !== counts[step - 1]) path.push(`H${x(step).toFixed(1)}V${y}`);
    });
    path.push(`H${WIDTH}`);
    path.push(`V${base}Z`);
    return (
      `<text x="0" y="${base - 14}" class="name">${name}</text>` +
      `<text x="0" y="${base}" class="note">${number(total)}, peak ${number(most)}</text>` +
      `<line x1="${LABEL}" x2="${WIDTH}" y1="${base}" y2="${base}"/>` +
      `<path class="${name}" d="${path.join('')}"><title>${name}: ${many(total, 'access', 'accesses')}, at most ${number(most)} in ${seconds(timeline.step)}</title></path>`
    );
  });
  const axis = ticks(timeline.length * timeline.step).map((at) => {
    const position = x(at / timeline.step).toFixed(1);
    return `<line class="tick" x1="${position}" x2="${position}" y1="0" y2="${height - AXIS}"/><text class="note" text-anchor="middle" x="${position}" y="${height - 6}">${seconds(at)}</text>`;
  });
  return `<svg class="timeline" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Accesses over time by kind">${axis.join('')}${rows.join('')}</svg>`;
}

const seconds = (value: number): string => `${Number(value.toPrecision(3))} s`;

/** Multiples of 1, 2 or 5 of a power of ten, about eight of them; not the very ends. */
function ticks(duration: number): number[] {
  const rough = duration / 8;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const count = Math.floor((duration * 0.98) / step);
  return Array.from({ length: count }, (_, index) => (index + 1) * step);
}
