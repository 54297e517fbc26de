// Draws docs/way-of-an-access.svg: node docs/draw.mjs
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const WIDTH = 860;
const HEIGHT = 642;
const LINE = 17;

const STYLE = `
    text { font: 12.5px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
    .title { font-weight: 600 }
    .code { font-family: ui-monospace, monospace; font-size: 12px }
    .band text { text-anchor: end; font-weight: 600; fill: #59636e }
    rect { rx: 6px; fill: #fff; stroke: #59636e }
    .band rect { stroke: none; fill: #eef1f4 }
    .wasm rect { fill: #e6dcfb; stroke: #6a3fc4 }
    .script rect { fill: #d8e8fb; stroke: #1f6bb8 }
    .host rect { fill: #dcf3e0; stroke: #2a7a3d }
    path { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#tip) }
    marker path { fill: #59636e; stroke: none; marker-end: none }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .band text { fill: #9aa4af }
      .back { fill: #0d1117 }
      rect { fill: #161b22; stroke: #9aa4af }
      .band rect { fill: #161b22 }
      .wasm rect { fill: #33235c; stroke: #a98bf0 }
      .script rect { fill: #13304f; stroke: #6cb0f5 }
      .host rect { fill: #15391f; stroke: #63c179 }
      path { stroke: #9aa4af }
      marker path { fill: #9aa4af }
    }`;

/** A box around lines of text, the first of them its title; those in backquotes are code. */
function box(kind, x, y, width, ...lines) {
  const height = LINE * lines.length + 14;
  const texts = lines.map((line, index) => {
    const style = line.startsWith('`') ? ' class="code"' : index === 0 ? ' class="title"' : '';
    return `<text x="${x + width / 2}" y="${y + 20 + LINE * index}"${style}>${line.replaceAll('`', '')}</text>`;
  });
  return `<g class="${kind}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/>${texts.join('')}</g>`;
}

function band(y, height, name) {
  const text = `<text x="${WIDTH - 14}" y="${y + 20}">${name}</text>`;
  return `<g class="band"><rect x="4" y="${y}" width="${WIDTH - 8}" height="${height}"/>${text}</g>`;
}

/** A way from one point to the next; one that turns has its corners among the points. */
const arrow = (...points) => `<path d="M${points.map(([x, y]) => `${x} ${y}`).join('L')}"/>`;

/** The way of an access, from the doors down to what answers it. */
export function wayOfAnAccess() {
  const columns = [16, 155, 294, 433, 572, 711];
  const middle = (index) => columns[index] + 66;
  const doors = [
    ['JavaScript', '`read, write`'],
    ['another wasm module', '`trap_read, trap_write`'],
    ['v86', '`mmap_read8 ...`'],
    ['a ring of records', '`ring.answer`'],
  ];
  const kinds = [
    ['MSI-X table', 'aligned,', '4 or 8 bytes'],
    ['PBA', 'aligned,', '4 or 8 bytes'],
    ['beside them', 'any width;', 'unaligned: by bytes'],
    ['several owners', 'each byte by', 'its own'],
    ['nobody', 'or a width that', 'is not allowed'],
    ['does not trap', 'no function has', 'the page'],
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="The way of an access">
  <style>${STYLE}
  </style>
  <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
  <rect class="back" x="0" y="0" width="${WIDTH}" height="${HEIGHT}" style="stroke: none"/>
  ${[
    band(92, 306, 'WebAssembly'),
    band(408, 126, 'TypeScript'),
    band(544, 92, 'your host'),
    ...doors.map((lines, index) => box('door', 40 + 200 * index, 12, 180, ...lines)),
    ...doors.map((_, index) => arrow([130 + 200 * index, 60], [130 + 200 * index, 116])),
    box(
      'wasm',
      40,
      118,
      780,
      'page map: guest page number to leaf entry',
      'three loads, of 14, 14 and 12 bits',
    ),
    arrow([430, 166], [430, 192]),
    box(
      'wasm',
      40,
      194,
      780,
      'kind of the 8-byte cell',
      'a byte: whose it is, and which widths are allowed there',
    ),
    ...kinds.map((_, index) => arrow([430, 242], [430, 258], [middle(index), 258], [middle(index), 272])),
    ...kinds.map((lines, index) => box('wasm', columns[index], 274, 132, ...lines)),
    arrow([middle(0), 339], [middle(0), 354]),
    box('wasm', 16, 356, 132, 'answered here'),
    arrow([middle(0), 387], [middle(0), 436]),
    box('script', 16, 438, 150, 'mask bit changed', 'or Message Control:', 'arm, mask, disarm'),
    arrow([middle(1), 339], [middle(1), 412], [260, 412], [260, 436]),
    arrow([middle(2), 339], [middle(2), 436]),
    arrow([middle(3), 339], [middle(3), 412], [460, 412], [460, 436]),
    box(
      'script',
      230,
      438,
      260,
      'host page, by its id',
      'mapped on first use, kept',
      'until the function drops its pages',
    ),
    arrow([middle(4), 339], [middle(4), 436]),
    box('script', 566, 438, 144, 'reads all ones,', 'drops writes;', 'counted'),
    arrow([middle(5), 339], [middle(5), 574]),
    arrow([91, 503], [91, 574]),
    arrow([360, 503], [360, 574]),
    box('host', 16, 576, 190, '`armVector, maskVector,`', '`disarmVector`'),
    box('host', 230, 576, 260, '`mapPage`', 'memory, or a handler'),
    box('host', 680, 576, 164, '`UNCLAIMED`', 'or your fallback'),
  ].join('\n  ')}
</svg>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('way-of-an-access.svg', import.meta.url), wayOfAnAccess());
}
