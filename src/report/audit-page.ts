import type { Audit } from '../audit/audit.js';
import { type Finding, severities } from '../audit/finding.js';
import { edgesWithout } from '../audit/groups.js';
import { common, rangeText } from '../audit/ranges.js';
import { barName } from '../audit/resource.js';
import { rules } from '../audit/rules.js';
import { hex } from '../hexadecimal.js';
import { type AddressRange, overlap } from '../regions/address-range.js';
import { formatSbdf } from '../sbdf.js';
import { count } from './audit-json.js';
import { noRoom, totals, worstFirst } from './audit-text.js';
import { document, escapeHtml, table } from './html.js';
import { many, number } from './numbers.js';
import { type OwnedRange, ownerMap } from './owner-map.js';
import { script, style } from './page-style.js';

/** Pages drawn. */
const MAPS = 64;
/** Findings that tell who owns which bytes of a page that is not one owner's. */
const DRAWN = ['F2', 'F3', 'F4', 'F7'];
const COLOURS = 7;

const colours = `
.own0 { fill: var(--table); } .own1 { fill: var(--adjacent); } .own2 { fill: var(--pba); } .own3 { fill: var(--neighbour); }
.own4 { fill: var(--rom); } .own5 { fill: var(--straddle); } .own6 { fill: var(--direct); }
.structure { fill: var(--ink); fill-opacity: 0.75; }
.owners { list-style: none; padding: 0; margin: 6px 0 0; } .owners svg { width: 10px; height: 10px; margin-right: 6px; }
code { font-family: ui-monospace, monospace; font-size: 12.5px; overflow-wrap: anywhere; }
`;

/** The report of an audit: one HTML page that needs nothing else. */
export function auditPage(audit: Audit, host: string | null): string {
  const name = escapeHtml(host ?? 'PCI audit');
  const body = `<header><h1>${name}</h1><p class="note">trapline audit, pages of ${audit.pageSize / 1024} KiB</p></header>
${tiles(audit)}
${list(audit.machine.unseen.map((text) => `Not seen: ${text}`))}
<section><h2>Pages with several owners</h2>
${pages(audit)}
</section>
<section><h2>Findings</h2>
${findingTables(worstFirst(audit.findings))}
</section>
<section><h2>Groups that go to a guest together</h2>
${groups(audit)}
</section>
<section><h2>Plan</h2>
${plan(audit)}
</section>`;
  return document(`${name} - trapline audit`, style + colours, body, script);
}

function tiles({ machine, findings, groups: all, plan: { moves } }: Audit): string {
  const counts = count(findings);
  const tile = (value: number, text: string, mood = '') =>
    `<div class="tile ${value > 0 ? mood : ''}"><b>${number(value)}</b><span>${text}</span></div>`;
  return `<div class="tiles">${[
    tile(machine.functions.length, 'functions'),
    tile(counts.high, 'findings of severity high', 'bad'),
    tile(counts.warning, 'warnings', 'odd'),
    tile(counts.info, 'for information'),
    tile(all.filter(({ functions }) => functions.length > 1).length, 'groups of several functions'),
    tile(moves.length, 'BARs to move'),
  ].join('')}</div>`;
}

const list = (texts: readonly string[]): string =>
  texts.length > 0
    ? `<ul class="note">${texts.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`
    : '';

function pages({ findings, pageSize }: Audit): string {
  const told = findings.filter(({ code }) => DRAWN.includes(code));
  // What F4 says of a BAR's own bytes is no sharing.
  const shared = told.filter(({ code, severity }) => code !== 'F4' || severity !== 'info');
  const starts = new Set(shared.flatMap((finding) => finding.pages.map(({ start }) => start)));
  if (starts.size === 0) return '<p>None.</p>';
  const sorted = [...starts].sort((a, b) => a - b);
  const figures = sorted.slice(0, MAPS).map((start) => {
    const page = { start, end: start + pageSize };
    const owners = ownersOn(page, told);
    const lines = owners.map(
      ({ colour, owner, ...range }) =>
        `<li><svg viewBox="0 0 10 10"><rect class="${colour}" width="10" height="10"/></svg>${escapeHtml(`${rangeText(range)} ${owner}`)}</li>`,
    );
    return `<figure><figcaption><b>page ${hex(start)}</b><ul class="owners note">${lines.join('')}</ul></figcaption>${ownerMap(page, owners)}<p class="readout note">&nbsp;</p></figure>`;
  });
  const rest = sorted.length - figures.length;
  const cell = pageSize / 4096;
  return `<p class="note">A cell is ${many(cell, 'byte')}, 64 a row; what is grey is nobody's.</p><div class="maps">${figures.join('\n')}</div>${rest > 0 ? `<p class="note">${many(rest, 'page')} not drawn.</p>` : ''}`;
}

/** BARs below, MSI-X structures on top. */
function ownersOn(page: AddressRange, findings: readonly Finding[]): OwnedRange[] {
  const ranges = new Map<string, { start: number; end: number; owner: string }>();
  for (const finding of findings) {
    for (const range of finding.ranges) {
      if (!overlap(range, page) || range.owner.endsWith('other bytes')) continue;
      const part = { ...common(range, page), owner: range.owner };
      ranges.set(`${part.start} ${part.owner}`, part);
    }
  }
  const isStructure = ({ owner }: { owner: string }) => owner.includes(' MSI-X ');
  const all = [...ranges.values()].sort((a, b) => a.start - b.start);
  return [
    ...all
      .filter((range) => !isStructure(range))
      .map((range, index) => ({ ...range, colour: `own${index % COLOURS}` })),
    ...all.filter(isStructure).map((range) => ({ ...range, colour: 'structure' })),
  ];
}

function findingTables(findings: readonly Finding[]): string {
  const codes = [...new Set(findings.map(({ code }) => code))];
  if (codes.length === 0) return '<p>None.</p>';
  return codes
    .map((code) => {
      const some = findings.filter((finding) => finding.code === code);
      const [{ rule, source }] = some;
      const worst = [...severities]
        .reverse()
        .find((level) => some.some(({ severity }) => severity === level));
      const rows = some.map(({ severity, what, ranges, remedy }) => [
        severity,
        what,
        ranges
          .slice(0, 8)
          .map((range) => `${rangeText(range)} ${range.owner}`)
          .join('; ') + (ranges.length > 8 ? `; and ${ranges.length - 8} more` : ''),
        remedy,
      ]);
      return `<details${worst === 'info' ? '' : ' open'}><summary><b>${code}</b> ${escapeHtml(rules[code].title)}: ${totals(some)}</summary><p class="note">${escapeHtml(`${rule} (${source})`)}</p>${table(['severity', 'what', 'bytes', 'what to do'], rows)}</details>`;
    })
    .join('\n');
}

function groups({ groups: before, groupsAfter }: Audit): string {
  const gone = new Set(edgesWithout(before, groupsAfter));
  const several = before.filter(({ functions }) => functions.length > 1);
  const rows = several.map(({ functions, edges }) => [
    functions.map(formatSbdf).join(' '),
    edges
      .map(
        (edge) =>
          `${formatSbdf(edge.from)} and ${formatSbdf(edge.to)}: ${edge.detail}${gone.has(edge) ? ' (not after the plan)' : ''}`,
      )
      .join('; '),
  ]);
  const alone = before.length - several.length;
  return `${rows.length > 0 ? table(['functions', 'why'], rows) : ''}<p class="note">${many(alone, 'function')} can go alone.</p>`;
}

function plan({ plan: planned }: Audit): string {
  const { moves, unplaced, growth, assumed, fixed, option, sideEffects, left, alignAll } = planned;
  const rows = [
    ...moves.map((move) => [barName(move), hex(move.size), hex(move.from), hex(move.to)]),
    ...unplaced.map((one) => [barName(one), '', '', noRoom(one)]),
  ];
  const notes = [
    ...growth.map(
      ({ bridge, window, by }) =>
        `bridge ${formatSbdf(bridge)} must pass on ${by / 2 ** 20} MiB more than ${rangeText(window)}`,
    ),
    ...assumed.map((window) => `window ${rangeText(window)} is assumed`),
    ...fixed.map((text) => `cannot move ${text}`),
    ...sideEffects,
  ];
  return `${rows.length > 0 ? table(['BAR', 'size', 'from', 'to'], rows) : '<p>Nothing to move.</p>'}
${option ? `<p>Boot Linux with <code>${escapeHtml(option)}</code></p>` : ''}${list(notes)}
<p>Left after it: ${totals(left)}.</p>
<p class="note">pci=resource_alignment=all, never merged, would have moved ${many(alignAll.moved, 'BAR')} of ${many(alignAll.functions, 'function')}; left after it: ${totals(alignAll.left)}.</p>`;
}
