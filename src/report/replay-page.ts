import { basename } from 'node:path';
import { hex } from '../hexadecimal.js';
import { formatSbdf } from '../sbdf.js';
import { REASONS } from '../trace/difference.js';
import { KINDS, type Kind } from '../trace/function-counts.js';
import type { PageHeat } from '../trace/page-owners.js';
import type { ReplayedFile } from '../trace/replay-file.js';
import { entriesTable } from './entries-table.js';
import { accessesOf, COLD, cellLines, heatMap, kindName, mostAccesses, pageNames, WARM } from './heat-map.js';
import { document, escapeHtml, table } from './html.js';
import { many, number } from './numbers.js';
import { OWNERS } from './owners.js';
import { script, style } from './page-style.js';
import { assumptions, byWeight, describeDifference, isUsed, MEANING, widths } from './replay-text.js';
import { timelineChart } from './timeline-chart.js';

/** Pages drawn; those with the most accesses. */
const MAPS = 64;

/** The report of a replay: one HTML page that needs nothing else. */
export function replayPage(file: ReplayedFile): string {
  const { replay } = file;
  const name = escapeHtml(basename(file.path));
  const pages = replay.trappedPages();
  const body = `<header><h1>${name}</h1><p class="note">trapline replay, policy ${file.policy.name}</p></header>
${tiles(file, pages)}
${remarks(file)}
<section><h2>Trapped pages</h2>
${legend(pages)}
${heatMaps(pages)}
</section>
<section><h2>Accesses over time</h2>
${timelineChart(replay.timeline)}
</section>
<section><h2>Accesses by function</h2>
${countTable(file)}
</section>
<section><h2>MSI-X table entries at the end</h2>
${replay.functions.map(entriesTable).join('\n') || '<p class="note">No function has MSI-X.</p>'}
</section>
<section><h2>Differences</h2>
${differences(file)}
</section>`;
  return document(`${name} - trapline replay`, style, body, script);
}

function tiles({ replay, unknown, badLines }: ReplayedFile, pages: readonly PageHeat[]): string {
  const unclaimed = replay.unclaimedReads + replay.unclaimedWrites;
  const armed = replay.functions.reduce((sum, fn) => sum + fn.armed, 0);
  const kinds = (...names: Kind[]) =>
    replay.functions.reduce(
      (sum, { counts }) =>
        sum + names.reduce((more, kind) => more + counts.reads(kind) + counts.writes(kind), 0),
      0,
    );
  const tile = (value: number, text: string, mood = '') =>
    `<div class="tile ${mood}"><b>${number(value)}</b><span>${text}</span></div>`;
  const { unexplained } = replay.reasons;
  return `<div class="tiles">${[
    tile(replay.accesses, 'accesses'),
    tile(
      kinds('table', 'pba', 'adjacent', 'straddle', 'rom', 'region', 'neighbour'),
      `trapped, on ${many(pages.length, 'page')}`,
    ),
    tile(kinds('table'), 'to table entries'),
    tile(armed, 'vectors armed'),
    tile(unclaimed, 'unclaimed', unclaimed ? 'odd' : ''),
    tile(replay.differenceCount - unexplained, 'differences explained'),
    tile(unexplained, 'differences unexplained', unexplained ? 'bad' : 'good'),
    ...(unknown ? [tile(unknown, 'UNKNOWN lines left out', 'odd')] : []),
    ...(badLines ? [tile(badLines, 'bad lines', 'bad')] : []),
  ].join('')}</div>`;
}

function remarks(file: ReplayedFile): string {
  const texts = [...assumptions(file), ...file.notes, ...file.bad];
  return texts.length > 0
    ? `<ul class="note">${texts.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`
    : '';
}

function legend(pages: readonly PageHeat[]): string {
  const used = new Set(
    pages.flatMap(({ owners }) => Array.from(owners.kinds, (_, cell) => kindName(owners, 8 * cell))),
  );
  const items = OWNERS.filter(([kind]) => used.has(kind)).map(
    ([kind, text]) =>
      `<span><svg viewBox="0 0 10 10"><rect class="${kind}" width="10" height="10"/></svg>${escapeHtml(text)}</span>`,
  );
  return `<p class="legend">${items.join('')}${scale()}<span class="note">a cell is a byte, 64 a row</span></p>`;
}

function scale(): string {
  const rects = [COLD, ...[0, 1, 2, 3].map((step) => WARM + ((1 - WARM) * step) / 3)].map(
    (opacity, index) =>
      `<rect class="table" x="${11 * index}" width="10" height="10" fill-opacity="${opacity}"/>`,
  );
  return `<span>no access <svg class="scale" viewBox="0 0 54 10">${rects.join('')}</svg>most on the page, logarithmic</span>`;
}

function heatMaps(pages: readonly PageHeat[]): string {
  if (pages.length === 0) return '<p class="note">No page traps.</p>';
  const drawn = [...pages]
    .sort((a, b) => accessesOf(b) - accessesOf(a))
    .slice(0, MAPS)
    .sort((a, b) => pages.indexOf(a) - pages.indexOf(b));
  const cards = drawn.map((page) => {
    const { owners } = page;
    const names = pageNames(owners).map(escapeHtml).join('<br>');
    const functions = new Set(owners.bars.map(({ fn }) => fn.name));
    return `<figure><figcaption><b>${names}</b><span class="note">${escapeHtml([...functions].join('; '))}<br>at ${hex(owners.address)}, ${warmest(page)}</span></figcaption>${heatMap(page)}<p class="readout note">&nbsp;</p></figure>`;
  });
  const rest = pages.length - drawn.length;
  return `${cellLines}<div class="maps">${cards.join('\n')}</div>${rest > 0 ? `<p class="note">${many(rest, 'page')} with fewer accesses not drawn.</p>` : ''}`;
}

function warmest(page: PageHeat): string {
  const most = mostAccesses(page);
  return most === 0 ? 'no access' : `at most ${many(most, 'access', 'accesses')} to a byte`;
}

function countTable({ replay }: ReplayedFile): string {
  const rows = replay.functions.flatMap((fn) =>
    KINDS.filter((kind) => isUsed(fn, kind)).map((kind, index) => [
      index === 0 ? `${formatSbdf(fn.sbdf)} ${fn.name}` : '',
      kind,
      number(fn.counts.reads(kind)),
      number(fn.counts.writes(kind)),
      number(fn.counts.unaligned(kind)),
      widths(fn, kind),
    ]),
  );
  return table(['function', 'kind', 'reads', 'writes', 'unaligned', 'widths'], rows, [2, 3, 4]);
}

function differences({ replay }: ReplayedFile): string {
  if (replay.differenceCount === 0) return '<p>None: every read was answered as recorded.</p>';
  const used = REASONS.filter((reason) => replay.reasons[reason] > 0);
  const listed = byWeight(replay.differences);
  const rest = replay.differenceCount - listed.length;
  return (
    table(
      ['reason', 'reads', ''],
      used.map((reason) => [reason, number(replay.reasons[reason]), MEANING[reason]]),
      [1],
    ) +
    `<details><summary>One by one</summary><ol class="list">${listed
      .map((difference) => `<li>${escapeHtml(describeDifference(difference))}</li>`)
      .join(
        '\n',
      )}</ol>${rest > 0 ? `<p class="note">${many(rest, 'more difference')} not listed.</p>` : ''}</details>`
  );
}
