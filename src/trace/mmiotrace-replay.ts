import { PAGE_SIZE, type Width } from '../access.js';
import type { GuestRegister } from '../function.js';
import { digits } from '../hexadecimal.js';
import type { InventoryFunction } from '../inventory/machine.js';
import { tableSize } from '../msix-layout.js';
import { MSIX_ENABLE } from '../pci/msix-capability.js';
import type { Range } from '../range.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { MmiotraceSink, TracedBar, TracedDevice } from './mmiotrace.js';
import type { Replay } from './replay.js';
import type { Placement, ReplayedFunction } from './replayed-function.js';

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
  private readonly registers = new Map<Sbdf, GuestRegister[]>();
  private readonly devices = new Map<Sbdf, TracedDevice>();
  private started = false;
  /** Made by a recording: it tells resets and what is decoded, and nothing need be inferred. */
  private exact = false;
  private lastMap = -1;
  private readonly maps = new Map<number, Range>();
  private readonly unmapped = new Set<ReplayedFunction>();

  constructor(replay: Replay, inventory: readonly InventoryFunction[]) {
    this.replay = replay;
    this.inventory = new Map(inventory.map((fn) => [fn.sbdf, fn]));
  }

  version(): void {
    this.exact = false;
    if (this.started) this.newBoot();
  }

  device(device: TracedDevice): void {
    this.devices.set(device.sbdf, device);
    if (this.started) this.assign(device.sbdf);
  }

  map(id: number, address: number, size: number): void {
    this.start();
    // The kernel counts maps up.
    if (id <= this.lastMap && !this.exact) this.newBoot();
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
    if (this.exact) return;
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

  recorded(): void {
    this.exact = true;
  }

  reset(sbdf: Sbdf): void {
    this.start();
    const fn = this.replay.function(sbdf);
    if (fn) this.replay.reset(fn);
  }

  messageControl(sbdf: Sbdf, value: number): void {
    this.start();
    this.replay.function(sbdf)?.trapped.writeMessageControl(value);
  }

  tableWord(sbdf: Sbdf, offset: number, value: number): void {
    this.start();
    const fn = this.replay.function(sbdf);
    if (fn) this.replay.setTableWord(fn, offset, value);
  }

  bar(sbdf: Sbdf, index: number, address: number): void {
    this.start();
    const fn = this.replay.function(sbdf);
    if (fn) this.replay.moveUndecoded(fn, index, address);
  }

  region(sbdf: Sbdf, address: number, size: number): void {
    this.start();
    const fn = this.replay.function(sbdf);
    if (!fn) return;
    if (size === 0) this.replay.removeRegion(fn, address);
    else this.notes.push(...this.replay.placeRegion(fn, address, size));
  }

  register(sbdf: Sbdf, bar: number, offset: number, width: Width): void {
    const registers = this.registers.get(sbdf) ?? [];
    registers.push({ space: `bar${bar}` as GuestRegister['space'], offset, width, value: 0 });
    this.registers.set(sbdf, registers);
  }

  /** Assigns the machine; PCIDEV lines come first. */
  start(): void {
    if (this.started) return;
    this.started = true;
    // A recording has a PCIDEV line for each function, when it comes.
    const listed = this.exact ? [] : this.inventory.keys();
    for (const sbdf of new Set([...this.devices.keys(), ...listed])) this.assign(sbdf);
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
      fn = this.replay.add(sbdf, name, bars, listed?.msix, this.registers.get(sbdf));
      if (fn.registerRefusal)
        this.notes.push(`${formatSbdf(sbdf)}: registers left out: ${fn.registerRefusal}`);
      if (fn.refusal) this.notes.push(`${formatSbdf(sbdf)}: MSI-X left out: ${fn.refusal}`);
      if (fn.msix && listed?.msix?.enabled && !this.exact) {
        fn.trapped.writeMessageControl(MSIX_ENABLE);
        this.assumedEnabled.push(sbdf);
      }
    }
    const placement: Placement = new Map(
      bars
        .filter((bar) => bar.address !== 0 && has(fn, bar) && !this.crowds(bar, sbdf))
        .map(({ index, address }) => [index, address]),
    );
    const others = bars.filter((bar) => !has(fn, bar));
    if (others.length > 0) {
      const names = others.map(({ index }) => index).join(', ');
      this.notes.push(`${formatSbdf(sbdf)}: left out, as it came without them: BAR ${names}`);
    }
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
    if (bar.type !== 'rom' || this.exact) return false;
    const others = [...this.devices.keys()].flatMap((other) =>
      this.barsOf(other).filter(
        (candidate) =>
          isMemory(candidate) && candidate.address !== 0 && !(other === sbdf && candidate.index === 6),
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

const has = (fn: ReplayedFunction, { index, size }: TracedBar): boolean =>
  fn.bars.some((bar) => bar.index === index && bar.size === size);

function assignedBars(fn: InventoryFunction | undefined): TracedBar[] {
  return (fn?.bars ?? []).flatMap(({ index, type, address, size }) =>
    address && size && (type !== 'rom' || !fn?.bars.find((bar) => bar.index === 6)?.disabled)
      ? [{ index, type, address, size }]
      : [],
  );
}

function nameOf(device: TracedDevice | undefined): string {
  if (!device) return '';
  return `[${digits(device.vendor, 4)}:${digits(device.device, 4)}] ${device.driver}`.trim();
}

function holdsTable(range: Range, fn: ReplayedFunction): boolean {
  const start = fn.tableAddress(0);
  const end = fn.msix && fn.tableAddress(tableSize(fn.msix.count));
  return start !== undefined && end !== undefined && range.start < end && range.end > start;
}
