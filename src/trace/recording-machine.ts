import type { Dispatcher } from '../dispatcher.js';
import type { AssignedFunction, RegionRange } from '../function.js';
import type { Bar } from '../host.js';
import { lspciText } from '../inventory/lspci-text.js';
import { MSIX_ENTRY } from '../msix-layout.js';
import { DEVICE_ID, VENDOR_ID } from '../pci/header.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../pci/msix-capability.js';
import type { Sbdf } from '../sbdf.js';
import { line } from './recording-lines.js';
import type { RecordingText } from './recording-text.js';

/** A function as the text has it so far. */
interface ToldFunction {
  fn: AssignedFunction;
  restarts: number;
  /** Message Control, enable and function mask. */
  control: number;
  device: string;
  readonly maps: Map<number, { readonly id: number; readonly address: number }>;
  /** Addresses of BARs with table or PBA while they are not decoded, by index. */
  readonly undecoded: Map<number, number>;
  /** Sizes of the regions, by address. */
  readonly regions: Map<number, number>;
  /** The table may hold what was never written: to be told once it is decoded. */
  owesTable: boolean;
  /** For the inventory: as it was last. */
  listed: string;
}

/** PCIe 7.7.2: the dwords of an entry after a reset, masked. */
const AFTER_RESET = [0, 0, 0, 1];

/** Tells which functions there are, what they decode and the state of their MSI-X, whenever that has changed. */
export class RecordingMachine {
  private readonly dispatcher: Dispatcher;
  private readonly text: RecordingText;
  private readonly told = new Map<Sbdf, ToldFunction>();
  private changes = -1;
  private lastMap = 0;

  constructor(dispatcher: Dispatcher, text: RecordingText) {
    this.dispatcher = dispatcher;
    this.text = text;
  }

  /** Number of the BAR's mapping, 0 without. */
  mapOf(sbdf: Sbdf, index: number): number {
    return this.told.get(sbdf)?.maps.get(index)?.id ?? 0;
  }

  get inventory(): string {
    for (const fn of this.dispatcher.functions) this.list(fn);
    return [...this.told.values()].map(({ listed }) => listed).join('\n');
  }

  /** Brings the text up to date. */
  follow(): void {
    const { dispatcher } = this;
    if (this.changes === dispatcher.changes) return;
    this.changes = dispatcher.changes;
    const { functions } = dispatcher;
    const gone = [...this.told.values()].filter(({ fn }) => !functions.includes(fn));
    for (const told of gone) {
      this.unmap(told, []);
      this.removeRegions(told, []);
    }
    for (const fn of functions) {
      const told = this.told.get(fn.sbdf);
      if (!told) continue;
      this.unmap(told, fn.bars);
      this.removeRegions(told, fn.ranges);
    }
    for (const { fn, device } of gone) {
      if (functions.some(({ sbdf }) => sbdf === fn.sbdf)) continue;
      const off = deviceLine(
        fn,
        fn.bars.map((bar) => withdrawn(bar)),
      );
      if (device !== off) this.place(fn, off);
    }
    const moved = functions.filter((fn) => this.told.get(fn.sbdf)?.device !== deviceLine(fn));
    // BARs may have changed places: all go before one comes.
    for (const fn of moved) {
      if (moved.length > 1 && this.told.has(fn.sbdf)) this.place(fn, deviceLine(fn, fn.bars.map(withdrawn)));
    }
    for (const fn of moved) this.place(fn, deviceLine(fn));
    for (const fn of functions) this.tell(fn);
  }

  private place(fn: AssignedFunction, device: string): void {
    const told = this.told.get(fn.sbdf);
    if (!told) this.tellRegisters(fn);
    this.text.add(device);
    if (told) told.device = device;
    else {
      const maps = new Map();
      this.told.set(fn.sbdf, {
        ...{ fn, restarts: -1, control: 0, device, maps, undecoded: new Map(), regions: new Map() },
        ...{ owesTable: false, listed: '' },
      });
    }
  }

  private tellRegisters({ sbdf, registers }: AssignedFunction): void {
    for (const { space, offset, width, value } of registers) {
      if (space === 'config' || value === 'hardware') continue;
      this.text.add(line.register(this.text.time, sbdf, Number(space.slice(3)), offset, width));
    }
  }

  /** Ends the mappings of all but these BARs where they are. */
  private unmap({ maps }: ToldFunction, bars: readonly Bar[]): void {
    for (const [index, { id, address }] of maps) {
      if (bars.some((bar) => bar.index === index && bar.enabled && bar.address === address)) continue;
      maps.delete(index);
      this.text.add(line.unmap(this.text.time, id));
    }
  }

  /** Ends all but these regions where they are. */
  private removeRegions({ fn, regions }: ToldFunction, ranges: readonly RegionRange[]): void {
    for (const [at, size] of regions) {
      if (ranges.some(({ region, address, enabled }) => enabled && address === at && region.size === size))
        continue;
      regions.delete(at);
      this.text.add(line.region(this.text.time, fn.sbdf, at, 0));
    }
  }

  private tell(fn: AssignedFunction): void {
    const { text } = this;
    const { sbdf, msix } = fn;
    const told = this.told.get(sbdf) as ToldFunction;
    if (msix && (told.fn !== fn || told.restarts !== fn.restarts)) {
      text.add(line.reset(text.time, sbdf));
      told.control = 0;
      told.owesTable = true;
    }
    told.fn = fn;
    told.restarts = fn.restarts;
    for (const bar of fn.bars.filter(isDecoded)) {
      if (told.maps.has(bar.index)) continue;
      const id = ++this.lastMap;
      told.maps.set(bar.index, { id, address: bar.address });
      text.add(line.map(text.time, id, bar));
    }
    this.tellUndecoded(fn, told);
    for (const { region, address, enabled } of fn.ranges) {
      if (!enabled || told.regions.has(address)) continue;
      told.regions.set(address, region.size);
      text.add(line.region(text.time, sbdf, address, region.size));
    }
    const control = fn.messageControl & (MSIX_ENABLE | FUNCTION_MASK);
    if (control !== told.control) text.add(line.control(text.time, sbdf, control));
    told.control = control;
    if (told.owesTable) told.owesTable = !this.tellTable(fn);
    this.list(fn);
  }

  /** Xen's policies look for table and PBA wherever their BARs are. */
  private tellUndecoded({ sbdf, bars, msix }: AssignedFunction, { undecoded }: ToldFunction): void {
    if (this.dispatcher.policy.sharedPage !== 'newest') return;
    for (const { index, type, enabled, address } of bars) {
      if (index !== msix?.table.bir && index !== msix?.pba.bir) continue;
      if (type === 'io' || enabled || undecoded.get(index) === address) continue;
      undecoded.set(index, address);
      this.text.add(line.bar(this.text.time, sbdf, index, address));
    }
  }

  /** Words that differ from those after a reset. False: the table is not decoded. */
  private tellTable(fn: AssignedFunction): boolean {
    const { sbdf, bars, msix } = fn;
    const bar = bars.find(({ index }) => index === msix?.table.bir);
    if (!msix || !bar || !isDecoded(bar)) return false;
    const start = this.dispatcher.policy.field === 'address' ? msix.table.offset : 0;
    for (let index = 0; index < msix.count; index++) {
      const { addressLow, addressHigh, data, masked } = fn.vector(index);
      const words = [addressLow, addressHigh, data, masked ? 1 : 0];
      for (let offset = MSIX_ENTRY * index; offset < MSIX_ENTRY * (index + 1); offset += 4) {
        const field = ((start + offset) % MSIX_ENTRY) / 4;
        if (words[field] === AFTER_RESET[field]) continue;
        this.text.add(line.tableWord(this.text.time, sbdf, offset, words[field]));
      }
    }
    return true;
  }

  private list(fn: AssignedFunction): void {
    const told = this.told.get(fn.sbdf);
    const { sbdf, bars, msix, messageControl } = fn;
    if (told) told.listed = lspciText({ sbdf, ...identity(fn), bars, msix, messageControl });
  }
}

const isDecoded = ({ type, enabled }: Bar): boolean => type !== 'io' && enabled;

const withdrawn = ({ index, type, address, hostAddress, size }: Bar): Bar => ({
  ...{ index, type, address, hostAddress, size },
  enabled: false,
});

const deviceLine = (fn: AssignedFunction, bars = fn.bars): string => {
  const { vendor, device } = identity(fn);
  return line.device(fn.sbdf, vendor, device, bars);
};

function identity({ config }: AssignedFunction): { vendor: number; device: number } {
  return { vendor: config.read(VENDOR_ID, 2), device: config.read(DEVICE_ID, 2) };
}
