/** Light and dark follow the reader's system. */
export const palette = `
:root {
  --page: #f6f7f9; --card: #fff; --ink: #1b1f27; --note: #5c6675; --line: #dde1e7;
  --table: #2563eb; --pba: #d97706; --adjacent: #059669; --rom: #0891b2; --region: #65a30d; --neighbour: #9333ea; --straddle: #e11d48;
  --direct: #64748b; --unclaimed: #b91c1c; --nobody: #94a3b8; --good: #047857; --odd: #b45309; --bad: #b91c1c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1218; --card: #171b23; --ink: #e6e9ef; --note: #98a2b3; --line: #2a303b;
    --table: #5b9dff; --pba: #fbb040; --adjacent: #34d399; --rom: #22d3ee; --region: #a3e635; --neighbour: #c084fc; --straddle: #fb7185;
    --direct: #94a3b8; --unclaimed: #f87171; --nobody: #64748b; --good: #34d399; --odd: #fbbf24; --bad: #f87171;
  }
}
`;

export const style = `${palette}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1240px; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { margin: 0; font-size: 22px; overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 16px; }
header p { margin: 2px 0 16px; }
section { margin: 16px 0; padding: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.note { color: var(--note); font-size: 12.5px; }
ul.note { padding-left: 18px; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 10px; }
.tile { padding: 10px 12px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tile b { display: block; font-size: 20px; }
.tile span { color: var(--note); font-size: 12.5px; }
.good b { color: var(--good); } .odd b { color: var(--odd); } .bad b { color: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 12px; align-items: center; }
.legend svg { width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; }
.legend .scale { width: 65px; margin: 0 6px; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 10px 18px; }
figure { margin: 0; display: flex; flex-direction: column; }
figcaption { margin-bottom: 6px; flex: 1; }
figcaption .note { display: block; }
.heat { width: 100%; display: block; }
.lines { pointer-events: none; }
.heat rect:hover { stroke: var(--ink); stroke-width: 1.5; fill-opacity: 1; }
.readout { margin: 4px 0 0; min-height: 2.9em; }
.table { fill: var(--table); } .pba { fill: var(--pba); } .adjacent { fill: var(--adjacent); }
.rom { fill: var(--rom); } .region { fill: var(--region); } .neighbour { fill: var(--neighbour); } .straddle { fill: var(--straddle); } .direct { fill: var(--direct); }
.unclaimed { fill: var(--unclaimed); } .nobody { fill: var(--nobody); }
.timeline { width: 100%; display: block; }
.timeline line { stroke: var(--line); } .timeline .tick { stroke-dasharray: 2 4; }
.timeline text { fill: var(--ink); font-size: 12px; } .timeline .note { fill: var(--note); font-size: 11px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 3px 18px 3px 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--note); font-weight: 500; }
td.n, th.n { text-align: right; }
details { padding: 4px 0; } summary { cursor: pointer; }
details table { margin: 6px 0 6px 18px; font-family: ui-monospace, monospace; font-size: 12.5px; }
.list { font-family: ui-monospace, monospace; font-size: 12px; overflow-wrap: anywhere; }
`;

/** Shows a cell's hover text under its map at once, where the browser's own comes late. */
export const script = `
for (const map of document.querySelectorAll('.heat')) {
  const readout = map.parentElement.querySelector('.readout');
  map.addEventListener('pointerover', ({ target }) => {
    readout.textContent = target.querySelector('title')?.textContent ?? '\\u00a0';
  });
  map.addEventListener('pointerleave', () => { readout.textContent = '\\u00a0'; });
}
`;
