import { pageOf } from '../../../src/access.js';
import type { ScenarioBar, Step } from '../../../src/conform/scenario.js';
import type { Random } from '../../hosts/guest/random.js';

export type Device = Extract<Step, { op: 'device' }>;

/** BARs lie in eight pages, so that they meet: below 2^32 and at its end, above it, far above it, at the end of all. */
const ARENA = 0x8000;
const ARENAS = [0xfe000000, 0xfe000000, 0xfe000000, 0xffff8000, 0x100000000, 0x380000000000, 2 ** 52 - ARENA];
const ALL = 2 ** 53;
const IDS = [8, 9, 10, 11, 12, 13];

/** What a history has at which addresses. */
export class Places {
  readonly devices: readonly Device[];
  /** Where what an access belongs to may change. */
  private readonly edges: number[] = [];
  private readonly tables: number[] = [];

  constructor(steps: readonly Step[]) {
    this.devices = steps.filter((step) => step.op === 'device');
    for (const step of steps) {
      if (step.op === 'place') this.edges.push(step.address, step.address + step.size);
    }
    for (const { id, bars, msix, registers } of this.devices) {
      for (const bar of bars) {
        const moves = steps.filter((step) => step.op === 'bar' && step.id === id && step.index === bar.index);
        for (const { address } of [bar, ...(moves as { address: number }[])]) {
          this.edges.push(address, address + bar.size);
          for (const { space, offset } of registers) {
            if (space === `bar${bar.index}`) this.edges.push(address + offset);
          }
          if (!msix) continue;
          const { count, table, pba } = msix;
          if (table.bir === bar.index) {
            const start = address + table.offset;
            this.edges.push(start, start + 16 * count);
            this.tables.push(start);
          }
          if (pba.bir === bar.index) {
            const start = address + pba.offset;
            this.edges.push(start, start + 8 * Math.ceil(count / 64));
          }
        }
      }
    }
  }

  /** Mostly where something begins or ends, or in a table. */
  address(random: Random): number {
    const { edges, tables } = this;
    const kind = random.below(16);
    const edge = edges.length > 0 ? random.of(edges) : ARENAS[0];
    let address = edge + random.below(19) - 9;
    if (kind < 6 && tables.length > 0)
      address = random.of(tables) + 16 * random.below(4) + 4 * random.below(4);
    else if (kind < 8) address = pageOf(edge) + random.below(3) * 0x1000 + random.below(19) - 9;
    else if (kind < 10) address = pageOf(edge) + random.below(0x1000);
    else if (kind === 10) address = random.of(ARENAS) + random.below(ARENA);
    return Math.min(Math.max(address, 0), ALL - 1);
  }

  page(random: Random): number {
    return pageOf(this.address(random));
  }

  /** One that is there, and now and then one that is not. */
  id(random: Random): number {
    const { devices } = this;
    return devices.length === 0 || random.below(32) === 0 ? random.of(IDS) : random.of(devices).id;
  }

  bar(random: Random, id: number): ScenarioBar | undefined {
    const bars = this.devices.find((device) => device.id === id)?.bars ?? [];
    return bars.length > 0 ? random.of(bars) : undefined;
  }

  /** For a function that is not there yet. */
  freeId(random: Random): number {
    const free = IDS.filter((id) => !this.devices.some((device) => device.id === id));
    return random.of(free.length > 0 ? free : IDS);
  }

  /** Naturally aligned, half of the time where something is; 64-bit BARs only are above 2^32. */
  place(random: Random, { type, size }: Pick<ScenarioBar, 'type' | 'size'>): number {
    if (type === 'io') return (random.below(0x1000) * 16) & -size & 0xffff;
    const low = (address: number) => type === 'mem64' || address + size <= 2 ** 32;
    const there = this.edges.filter(low);
    if (there.length > 0 && random.below(2) === 0) {
      const edge = pageOf(random.of(there)) + 16 * random.below(0x100);
      return edge - (edge % size);
    }
    const arena = random.of(ARENAS.filter(low));
    return arena + random.below(Math.max(1, ARENA / size)) * size;
  }
}
