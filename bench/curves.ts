import { escapeHtml } from '../src/report/html.js';
import { type Chart, chart, HEIGHT, type Line, said, WIDTH } from './chart.js';
import type { Key, Row, Size } from './row.js';
import { BATCH, FUNCTIONS, isUsual, many } from './sizes.js';
import { USUAL } from './topology.js';

interface Curve extends Pick<Key, 'subject' | 'door' | 'batch'> {
  readonly name: string;
  readonly style: string;
}

/** Table reads: what all of them know. */
const CURVES: readonly Curve[] = [
  { subject: 'linear list', door: 'js', name: 'TypeScript, linear list', style: 'list' },
  { subject: 'map of pages', door: 'js', name: 'TypeScript, Map of pages', style: 'map' },
  { subject: 'sorted ranges', door: 'js', name: 'TypeScript, sorted ranges', style: 'ranges' },
  { subject: 'linear list', door: 'native', name: 'C, linear list', style: 'native' },
  { subject: 'address blocks', door: 'js', name: 'closures by address block', style: 'blocks' },
  { subject: 'trapline', door: 'js', name: 'Trapline, from JavaScript', style: 'js' },
  { subject: 'trapline', door: 'wasm', name: 'Trapline, from wasm', style: 'wasm' },
  { subject: 'trapline', door: 'ring', batch: BATCH, name: `Trapline, ring of ${BATCH}`, style: 'ring' },
];

const STYLE = `
text { font: 13px system-ui, sans-serif; }
.card { fill: #fff; stroke: #dde1e7; }
.title { font-weight: 600; font-size: 15px; fill: #1b1f27; }
.note { fill: #5c6675; font-size: 12px; }
.grid { stroke: #dde1e7; } .floor { stroke: #5c6675; }
.line { fill: none; stroke: currentColor; stroke-width: 2; }
.lead { fill: none; stroke: currentColor; stroke-opacity: .45; }
g circle, g text { fill: currentColor; }
.js, .wasm, .ring { font-weight: 600; }
.js .line, .wasm .line, .ring .line { stroke-width: 3; }
.js text, .wasm text, .ring text { font-weight: 600; }
.wasm .line { stroke-dasharray: 9 4; } .ring .line { stroke-dasharray: 2 4; }
.ranges .line { stroke-dasharray: 9 4; } .blocks .line { stroke-dasharray: 2 4; } .native .line { stroke-dasharray: 9 4 2 4; }
.js { color: #2563eb; } .wasm { color: #0e7490; } .ring { color: #047857; }
.list { color: #b91c1c; } .map { color: #b45309; } .ranges { color: #9333ea; } .native { color: #be123c; } .blocks { color: #64748b; }
@media (prefers-color-scheme: dark) {
  .card { fill: #171b23; stroke: #2a303b; }
  .title { fill: #e6e9ef; } .note { fill: #98a2b3; } .grid { stroke: #2a303b; } .floor { stroke: #98a2b3; }
  .js { color: #5b9dff; } .wasm { color: #22d3ee; } .ring { color: #34d399; }
  .list { color: #f87171; } .map { color: #fbb040; } .ranges { color: #c084fc; } .native { color: #fb7185; } .blocks { color: #94a3b8; }
}
`;

/** How a table read's cost grows with functions, and with vectors. */
export function drawCurves(rows: readonly Row[]): string {
  const reads = rows.filter(({ access }) => access === 'table-read');
  const charts: Chart[] = [
    {
      title: `A table read, times the floor: ${many(USUAL.vectors, 'vector')} a function`,
      across: 'functions assigned',
      lines: linesOf(reads.filter(isUsual), ({ functions }) => functions),
    },
    {
      title: `A table read, times the floor: ${many(FUNCTIONS, 'function')}`,
      across: 'vectors of each function',
      lines: linesOf(
        reads.filter(({ functions }) => functions === FUNCTIONS),
        ({ vectors }) => vectors,
      ),
    },
  ];
  const ratios = charts.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ y }) => y)));
  const [low, high] = [Math.min(1, ...ratios) / 1.2, Math.max(...ratios) * 1.2];
  const figures = charts.map(
    ({ title, across, lines }) => `${title}, by ${across}. ${lines.map(said).join('; ')}.`,
  );
  const height = charts.length * HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title figures">
<title id="title">What a trapped read costs, by the number of functions and of vectors</title>
<desc id="figures">${escapeHtml(figures.join(' '))}</desc>
<style>${STYLE}</style>
<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${charts.map((one, index) => `<g transform="translate(0 ${index * HEIGHT})">\n${chart(one, low, high)}\n</g>`).join('\n')}
</svg>
`;
}

/** Those that were measured: without a compiler there is no native one. */
function linesOf(rows: readonly Row[], along: (size: Size) => number): Line[] {
  return CURVES.flatMap(({ subject, door, batch, name, style }): Line[] => {
    const points = rows
      .filter((row) => row.subject === subject && row.door === door && row.batch === batch)
      .map((row) => ({ x: along(row), y: row.ratio }))
      .sort((one, other) => one.x - other.x);
    return points.length > 0 ? [{ name, style, points }] : [];
  });
}
