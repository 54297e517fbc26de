import type { FunctionDescription } from 'trapline';

const PAGE_SIZE = 4096;
const ONES = 0xffffffff;

/** Addresses do not fit 32-bit operators. */
export const pageOf = (address: number): number => Math.floor(address / PAGE_SIZE);

export type MapPage = (address: number) => Uint8Array;

interface Bar {
  address: number;
  enabled: boolean;
}

interface Entry {
  addressLow: number;
  addressHigh: number;
  data: number;
  masked: boolean;
  updated: boolean;
}

/** Table or PBA: bytes of a BAR, which the guest may move or disable. */
class Structure {
  readonly bar: Bar;
  readonly offset: number;
  readonly size: number;

  constructor(bar: Bar, offset: number, size: number) {
    this.bar = bar;
    this.offset = offset;
    this.size = size;
  }

  get start(): number {
    return this.bar.address + this.offset;
  }

  get firstPage(): number {
    return pageOf(this.start);
  }

  get lastPage(): number {
    return pageOf(this.start + this.size - 1);
  }

  holds(address: number): boolean {
    return address >= this.start && address < this.start + this.size;
  }

  samePage(address: number): boolean {
    const page = pageOf(address);
    return page >= this.firstPage && page <= this.lastPage;
  }
}

/**
 * One function as one writes it down from the Xen patch "vpci/msix: handle accesses adjacent to the MSI-X table":
 * fields and conditions, no table prepared beforehand. Accesses of 1, 2 and 4 bytes; 8 are left out.
 */
export class MsixDevice {
  readonly table: Structure;
  readonly pba: Structure;
  private readonly entries: Entry[];
  private readonly mapped: (DataView | undefined)[] = [undefined, undefined, undefined, undefined];
  private readonly mapPage: MapPage;
  /** Accesses that were split into bytes. */
  unaligned = 0;

  constructor({ bars, msix }: FunctionDescription, mapPage: MapPage) {
    if (!msix) throw new Error('a function without MSI-X');
    const bar = (bir: number): Bar => ({
      address: bars.find(({ index }) => index === bir)?.address ?? 0,
      enabled: true,
    });
    const { count, table, pba } = msix;
    const tableBar = bar(table.bir);
    this.table = new Structure(tableBar, table.offset, 16 * count);
    this.pba = new Structure(
      pba.bir === table.bir ? tableBar : bar(pba.bir),
      pba.offset,
      8 * Math.ceil(count / 64),
    );
    this.entries = Array.from({ length: count }, () => ({
      addressLow: 0,
      addressHigh: 0,
      data: 0,
      masked: true,
      updated: false,
    }));
    this.mapPage = mapPage;
  }

  claims(address: number): boolean {
    const { table, pba } = this;
    return (table.bar.enabled && table.samePage(address)) || (pba.bar.enabled && pba.samePage(address));
  }

  read(address: number, width: number): number {
    if (this.adjacent(address)) return this.readAdjacent(address, width);
    if (width !== 4 || address % 4 !== 0) return ONES;
    const entry = this.entries[Math.floor((address - this.table.start) / 16)];
    switch (address % 16) {
      case 0:
        return entry.addressLow;
      case 4:
        return entry.addressHigh;
      case 8:
        return entry.data;
      default:
        return entry.masked ? 1 : 0;
    }
  }

  write(address: number, width: number, data: number): void {
    if (this.adjacent(address)) {
      this.writeAdjacent(address, width, data);
      return;
    }
    if (width !== 4 || address % 4 !== 0) return;
    const entry = this.entries[Math.floor((address - this.table.start) / 16)];
    switch (address % 16) {
      case 0:
        entry.updated = true;
        entry.addressLow = data;
        break;
      case 4:
        entry.updated = true;
        entry.addressHigh = data;
        break;
      case 8:
        entry.updated = true;
        entry.data = data;
        break;
      default:
        entry.masked = (data & 1) === 1;
    }
  }

  private adjacent(address: number): boolean {
    if (this.pba.holds(address)) return true;
    if (this.table.holds(address)) return false;
    return this.table.samePage(address) || this.pba.samePage(address);
  }

  private readAdjacent(address: number, width: number): number {
    if (!this.adjacent(address + width - 1)) return ONES;
    const page = this.pageAt(address);
    const offset = address % PAGE_SIZE;
    if (address % width !== 0) {
      this.unaligned++;
      let value = 0;
      for (let index = 0; index < width; index++)
        value |= this.readAdjacent(address + index, 1) << (8 * index);
      return value >>> 0;
    }
    if (width === 4) return page.getUint32(offset, true);
    return width === 2 ? page.getUint16(offset, true) : page.getUint8(offset);
  }

  private writeAdjacent(address: number, width: number, data: number): void {
    if (!this.adjacent(address + width - 1)) return;
    if (this.pba.holds(address) || this.pba.holds(address + width - 1)) return;
    const page = this.pageAt(address);
    const offset = address % PAGE_SIZE;
    if (address % width !== 0) {
      this.unaligned++;
      for (let index = 0; index < width; index++)
        this.writeAdjacent(address + index, 1, data >>> (8 * index));
    } else if (width === 4) page.setUint32(offset, data, true);
    else if (width === 2) page.setUint16(offset, data, true);
    else page.setUint8(offset, data);
  }

  /** The first and the last page of table and PBA, each mapped on first use. */
  private pageAt(address: number): DataView {
    const page = pageOf(address);
    const slot = this.slotOf(page);
    let view = this.mapped[slot];
    if (!view) {
      const { buffer } = this.mapPage(page * PAGE_SIZE);
      view = new DataView(buffer);
      this.mapped[slot] = view;
    }
    return view;
  }

  private slotOf(page: number): number {
    if (page === this.table.firstPage) return 0;
    if (page === this.table.lastPage) return 1;
    return page === this.pba.firstPage ? 2 : 3;
  }
}
