import { PAGE_SIZE, pageOf } from '../../src/access.js';
import { Harness } from '../../src/conform/harness.js';
import type { Outcome, Step } from '../../src/conform/scenario.js';
import type { Trap } from '../../src/dispatcher.js';
import type { TrappedFunction } from '../../src/function.js';
import type { Bar, Host, HostPage, PageHandler } from '../../src/host.js';
import type { Policy } from '../../src/policy.js';
import type { Engine } from '../engines.js';

/** An engine that runs a scenario, with its state in view. */
export class Side {
  readonly harness: Harness;
  /** Newest first. */
  functions: TrappedFunction[] = [];
  /** sbdf, page: host pages mapped now. */
  cached = new Set<string>();
  /** Physical memory, as far as it was written. */
  memory = new Map<number, number>();
  private readonly stuck = new Map<number, readonly number[]>();

  constructor(engine: Engine, policy: Policy) {
    this.harness = new Harness((options) => {
      this.functions = [];
      this.cached = new Set();
      this.memory = new Map();
      return this.watched(engine.create({ ...options, policy, host: this.watchedHost(options.host) }));
    }, policy);
  }

  run(step: Step): Outcome {
    if (step.op === 'device') {
      this.stuck.set(
        step.id,
        step.bars.filter((bar) => bar.stuck).map(({ index }) => index),
      );
    }
    return this.harness.run(step);
  }

  /** The host withholds the BAR from decode changes. */
  isStuck(sbdf: number, index: number): boolean {
    return this.stuck.get(sbdf)?.includes(index) ?? false;
  }

  byId(sbdf: number): TrappedFunction | undefined {
    return this.functions.find((f) => f.sbdf === sbdf);
  }

  private watched(trap: Trap): Trap {
    return {
      get high() {
        return trap.high;
      },
      assign: (description) => {
        const f = trap.assign(description);
        this.functions.unshift(f);
        return f;
      },
      deassign: (sbdf) => {
        trap.deassign(sbdf);
        this.functions = this.functions.filter((f) => f.sbdf !== sbdf);
      },
      read: (address, width) => trap.read(address, width),
      write: (address, width, low, high) => trap.write(address, width, low, high),
    };
  }

  private watchedHost(host: Host): Host {
    const watched: Host = Object.create(host);
    watched.mapPage = (address, sbdf) => {
      const page = host.mapPage(address, sbdf);
      if (page) this.cached.add(cacheKey(sbdf, address));
      return page && this.watchedPage(address, page);
    };
    watched.unmapPage = (address, sbdf) => {
      this.cached.delete(cacheKey(sbdf, address));
      host.unmapPage?.(address, sbdf);
    };
    return watched;
  }

  private watchedPage(address: number, page: HostPage): PageHandler {
    const handler = page as PageHandler;
    return {
      read: (offset, width, high) => handler.read(offset, width, high),
      write: (offset, width, low, high) => {
        const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
        for (let i = 0; i < width; i++) {
          this.memory.set(address + offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
        }
        handler.write(offset, width, low, high);
      },
    };
  }
}

export const cacheKey = (sbdf: number, page: number): string => `cached ${sbdf} ${page.toString(16)}`;

/** [start, end) of table or PBA where its BAR is now. */
export interface Place {
  readonly start: number;
  readonly end: number;
  readonly bar: Bar;
}

export function tableOf(f: TrappedFunction): Place | undefined {
  return f.msix && placeOf(f, f.msix.table, 16 * f.msix.count);
}

export function pbaOf(f: TrappedFunction): Place | undefined {
  return f.msix && placeOf(f, f.msix.pba, 8 * Math.ceil(f.msix.count / 64));
}

function placeOf(f: TrappedFunction, at: { bir: number; offset: number }, length: number): Place | undefined {
  const bar = f.bars.find(({ index }) => index === at.bir);
  return bar && { bar, start: bar.address + at.offset, end: bar.address + at.offset + length };
}

export const within = (place: { start: number; end: number } | undefined, byte: number): boolean =>
  place !== undefined && place.start <= byte && byte < place.end;

export const onPage = (place: { start: number; end: number } | undefined, page: number): boolean =>
  place !== undefined && place.start < page + PAGE_SIZE && page < place.end;

export const extentOf = (bar: Bar): { start: number; end: number } => ({
  start: bar.address,
  end: bar.address + bar.size,
});

/** The function to which xen gives the whole page. */
export function newestOn(side: Side, page: number): TrappedFunction | undefined {
  return side.functions.find((f) =>
    [tableOf(f), pbaOf(f)].some((place) => place?.bar.enabled && onPage(place, pageOf(page))),
  );
}

/** Strict's owner of a byte: the function and kind, and nothing for nobody. */
export function ownerOf(side: Side, byte: number): { f: TrappedFunction; kind: string } | undefined {
  for (const f of side.functions) {
    const bar = f.bars.find((one) => one.enabled && within(extentOf(one), byte));
    if (!bar) continue;
    const [table, pba] = [tableOf(f), pbaOf(f)];
    if (pba?.bar.index === bar.index && within(pba, byte)) return { f, kind: 'pba' };
    if (table?.bar.index === bar.index && within(table, byte)) return { f, kind: 'table' };
    return { f, kind: 'forward' };
  }
  return undefined;
}
