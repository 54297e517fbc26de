import uPlot from 'uplot';
import { number } from '../../report/numbers.js';
import { KINDS } from '../../trace/function-counts.js';
import { isServed } from './access-watch.js';
import { colour, onColoursChanged } from './colours.js';
import { element, setAttribute, setText } from './element.js';
import type { PageMachine } from './page-machine.js';
import { Rates } from './rates.js';

const SECONDS = 60;
const HEIGHT = 110;

/** Totals, and what happened in each of the last seconds. */
export class CountersPanel {
  private readonly machine: PageMachine;
  private readonly tiles: ReadonlyMap<string, { tile: HTMLElement; value: HTMLElement }>;
  private readonly diagnostics = element('p', { class: 'note' });
  private readonly accesses: RateChart;
  private readonly interrupts: RateChart;

  constructor(place: HTMLElement, machine: PageMachine) {
    this.machine = machine;
    const names = ['accesses', 'reads', 'writes', 'unaligned', ...KINDS.filter(isServed), 'unclaimed'];
    this.tiles = new Map(
      [...names, 'interrupts sent', 'undelivered'].map((name) => {
        const value = element('b', {}, '0');
        return [name, { tile: element('div', { class: 'tile' }, value, element('span', {}, name)), value }];
      }),
    );
    const charts = element('div', { class: 'charts' });
    place.append(
      element('div', { class: 'tiles' }, ...[...this.tiles.values()].map(({ tile }) => tile)),
      charts,
      this.diagnostics,
    );
    this.accesses = new RateChart(charts, 'accesses a second', 'table');
    this.interrupts = new RateChart(charts, 'interrupts a second', 'pba');
  }

  draw(): void {
    const { watch, sent, undelivered, diagnostics } = this.machine;
    const unclaimed = watch.unclaimedReads + watch.unclaimedWrites;
    const values: Readonly<Record<string, number>> = {
      accesses: watch.reads + watch.writes,
      reads: watch.reads,
      writes: watch.writes,
      unaligned: watch.unaligned,
      unclaimed,
      'interrupts sent': sent,
      undelivered,
    };
    for (const [name, { tile, value }] of this.tiles) {
      const kind = KINDS.find((each) => each === name);
      const counts = kind && watch.countOf(kind);
      const count = counts ? counts.reads + counts.writes : (values[name] ?? 0);
      setText(value, number(count));
      tile.classList.toggle('odd', (name === 'unclaimed' || name === 'undelivered') && count > 0);
    }
    setText(
      this.diagnostics,
      diagnostics.length > 0
        ? `diagnostics: ${diagnostics.map(([code, count]) => `${code} ${number(count)}`).join(', ')}`
        : '',
    );
  }

  /** Once a second. */
  tick(): void {
    const { watch, sent } = this.machine;
    this.accesses.add(watch.reads + watch.writes);
    this.interrupts.add(sent);
  }
}

/** What a total rose by in each of the last seconds. */
class RateChart {
  private readonly name: string;
  private readonly line: string;
  private readonly place: HTMLElement;
  private readonly rates = new Rates(SECONDS);
  private chart: uPlot;

  constructor(parent: HTMLElement, name: string, line: string) {
    this.name = name;
    this.line = line;
    this.place = element('div', { class: 'chart', role: 'img', 'aria-label': name });
    parent.append(element('figure', {}, element('figcaption', { class: 'note' }, name), this.place));
    this.chart = this.plot();
    onColoursChanged(() => {
      this.chart.destroy();
      this.chart = this.plot();
    });
    new ResizeObserver(() => this.chart.setSize({ width: this.place.clientWidth, height: HEIGHT })).observe(
      this.place,
    );
  }

  add(total: number): void {
    this.rates.add(total);
    this.chart.setData(this.data);
    setAttribute(this.place, 'aria-label', `${this.name}: ${number(this.rates.last)} now`);
  }

  private get data(): uPlot.AlignedData {
    return [this.rates.seconds, this.rates.values];
  }

  private plot(): uPlot {
    const axis = {
      stroke: colour('note'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    };
    return new uPlot(
      {
        width: this.place.clientWidth || 300,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 16, 0, 0],
        scales: {
          x: { time: false, range: [-SECONDS + 1, 0] },
          y: { range: (_, _min, max) => [0, Math.max(4, max * 1.1)] },
        },
        axes: [
          { ...axis, size: 22, values: (_, splits) => splits.map((at) => (at === 0 ? 'now' : `${at} s`)) },
          {
            ...axis,
            size: 52,
            space: 26,
            values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? number(at) : '')),
          },
        ],
        series: [{}, { stroke: colour(this.line), width: 1.5, points: { show: false } }],
      },
      this.data,
      this.place,
    );
  }
}
