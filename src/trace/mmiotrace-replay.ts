import { PAGE_SIZE, type Width } from '../access.js';
import type { InventoryFunction } from '../inventory/machine.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { MmiotraceSink, TracedBar, TracedDevice } from './mmiotrace.js';
import type { Replay } from './replay.js';
import type { Placement, ReplayedFunction } from './replayed-function.js';

/** Message Control: MSI-X enabled, not masked. */
const ENABLED = 0x8000;

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The machine of an mmiotrace: BARs from its PCIDEV lines, MSI-X and functions without such a line from the inventory.
 * Memory decoding is on; the expansion ROM's too, since drivers map it only while it is enabled.
 */
export class MmiotraceReplay implements MmiotraceSink {
  unknownLines = 0;
  lostEvents = 0;
  /** Functions whose MSI-X is enabled because the inventory says so. */
  readonly assumedEnabled: Sbdf[] = [];
  readonly notes: string[] = [];
  private readonly replay: Replay;
  private readonly inventory: ReadonlyMap<Sbdf, InventoryFunction>;
  private readonly devices = new Map<Sbdf, TracedDevice>();
  private started = false;
  private lastMap = -1;
  private readonly maps = new Map<number, Range>();
  private readonly unmapped = new Set<ReplayedFunction>();

  constructor(replay: Replay, inventory: readonly InventoryFunction[]) {
    this.replay = replay;
    this.inventory = new Map(inventory.map((fn) => [fn.sbdf, fn]));
  }

  version(): void {
    if (this.started) this.newBoot();
  }

  device(device: TracedDevice): void {
    this.devices.set(device.sbdf, device);
    if (this.started) this.assign(device.sbdf);
  }

  map(id: number, address: number, size: number): void {
    this.start();
    // The kernel counts maps up.
    if (id <= this.lastMap) this.newBoot();
    this.lastMap = id;
    const range = { start: address, end: address + size };
    this.maps.set(id, range);
    // A table that is mapped again: its driver was bound anew, and in between nobody saw what became of the function.
    for (const fn of this.unmapped) {
      if (!holdsTable(range, fn)) continue;
      this.unmapped.delete(fn);
      this.replay.mayHaveReset(fn);
    }
  }

  unmap(id: number): void {
    const range = this.maps.get(id);
    if (!range) return;
    this.maps.delete(id);
    for (const fn of this.replay.functions) if (holdsTable(range, fn)) this.unmapped.add(fn);
  }

  access(write: boolean, width: Width, address: number, low: number, high: number, seconds: number): void {
    if (!this.started) this.start();
    this.replay.access(write, width, address, low, high, seconds);
  }

  unknown(): void {
    this.unknownLines++;
  }

  lost(count: number): void {
    this.lostEvents += count;
  }

  /** Assigns the machine; PCIDEV lines come first. */
  start(): void {
    if (this.started) return;
    this.started = true;
    for (const sbdf of new Set([...this.devices.keys(), ...this.inventory.keys()])) this.assign(sbdf);
  }

  private newBoot(): void {
    this.maps.clear();
    this.unmapped.clear();
    for (const fn of this.replay.functions) this.replay.mayHaveReset(fn);
  }

  private assign(sbdf: Sbdf): void {
    const listed = this.inventory.get(sbdf);
    const bars = this.barsOf(sbdf).filter(isMemory);
    let fn = this.replay.function(sbdf);
    if (!fn) {
      const name = listed?.name ?? nameOf(this.devices.get(sbdf));
      fn = this.replay.add(sbdf, name, bars, listed?.msix);
      if (fn.refusal) this.notes.push(`${formatSbdf(sbdf)}: MSI-X left out: ${fn.refusal}`);
      if (fn.msix && listed?.msix?.enabled) {
        fn.trapped.writeMessageControl(ENABLED);
        this.assumedEnabled.push(sbdf);
      }
    }
    const placement: Placement = new Map(
      bars.filter((bar) => !this.crowds(bar, sbdf)).map(({ index, address }) => [index, address]),
    );
    if (!this.replay.place(fn, placement)) {
      this.notes.push(`${formatSbdf(sbdf)}: not decoded, its BARs overlap another function's`);
    }
  }

  /** BARs as PCIDEV has them; a size that it lacks, and all without such a line, from the inventory. */
  private barsOf(sbdf: Sbdf): TracedBar[] {
    const listed = assignedBars(this.inventory.get(sbdf));
    const traced = this.devices.get(sbdf)?.bars ?? listed;
    return traced
      .map((bar) => ({
        ...bar,
        size: bar.size || (listed.find(({ index }) => index === bar.index)?.size ?? 0),
      }))
      .filter(({ size }) => size > 0);
  }

  /** An expansion ROM on pages with other BARs' bytes is off rather than make them trap. */
  private crowds(bar: TracedBar, sbdf: Sbdf): boolean {
    if (bar.type !== 'rom') return false;
    const others = [...this.devices.keys()].flatMap((other) =>
      this.barsOf(other).filter(
        (candidate) => isMemory(candidate) && !(other === sbdf && candidate.index === 6),
      ),
    );
    const page = (address: number) => Math.floor(address / PAGE_SIZE);
    return others.some(
      (other) =>
        page(other.address) <= page(bar.address + bar.size - 1) &&
        page(bar.address) <= page(other.address + other.size - 1),
    );
  }
}

const isMemory = (bar: TracedBar): bar is TracedBar & { type: 'mem32' | 'mem64' | 'rom' } =>
  bar.type !== 'io';

function assignedBars(fn: InventoryFunction | undefined): TracedBar[] {
  return (fn?.bars ?? []).flatMap(({ index, type, address, size }) =>
    address && size && (type !== 'rom' || !fn?.bars.find((bar) => bar.index === 6)?.disabled)
      ? [{ index, type, address, size }]
      : [],
  );
}

function nameOf(device: TracedDevice | undefined): string {
  if (!device) return '';
  const hex = (value: number) => value.toString(16).padStart(4, '0');
  return `[${hex(device.vendor)}:${hex(device.device)}] ${device.driver}`.trim();
}

function holdsTable(range: Range, fn: ReplayedFunction): boolean {
  const start = fn.tableAddress(0);
  const end = fn.msix && fn.tableAddress(16 * fn.msix.count);
  return start !== undefined && end !== undefined && range.start < end && range.end > start;
}
