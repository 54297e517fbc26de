import { UNCLAIMED } from 'trapline';
import { type MsixDevice, pageOf } from './msix-device.js';

/** Pages of one device, the last included. */
interface Range {
  readonly first: number;
  readonly last: number;
  readonly device: MsixDevice;
}

/**
 * Ranges in a sorted map, as rust-vmm's vm-device has its bus: of the last range that starts at or before the address,
 * if it reaches that far. Ranges do not overlap. A sorted array here, where vm-device has a BTreeMap.
 */
export class SortedRanges {
  private readonly ranges: Range[] = [];
  /** Of the ranges, by themselves: a search reads nothing else. */
  private readonly starts: number[] = [];

  constructor(devices: readonly MsixDevice[]) {
    for (const device of devices) {
      const { table, pba } = device;
      if (pba.firstPage >= table.firstPage && pba.firstPage <= table.lastPage + 1) {
        this.register({ first: table.firstPage, last: Math.max(table.lastPage, pba.lastPage), device });
      } else {
        this.register({ first: table.firstPage, last: table.lastPage, device });
        this.register({ first: pba.firstPage, last: pba.lastPage, device });
      }
    }
  }

  read(address: number, width: number): number {
    return this.find(address)?.read(address, width) ?? UNCLAIMED;
  }

  write(address: number, width: number, data: number): boolean {
    const device = this.find(address);
    device?.write(address, width, data);
    return device !== undefined;
  }

  private find(address: number): MsixDevice | undefined {
    const page = pageOf(address);
    const range = this.ranges[this.after(page) - 1];
    return range && page <= range.last ? range.device : undefined;
  }

  private register(range: Range): void {
    const place = this.after(range.last);
    if (place > 0 && this.ranges[place - 1].last >= range.first) throw new Error('ranges overlap');
    this.ranges.splice(place, 0, range);
    this.starts.splice(place, 0, range.first);
  }

  /** How many ranges start at or before the page. */
  private after(page: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle] <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
