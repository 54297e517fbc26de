import { UNCLAIMED } from 'trapline';
import { type MsixDevice, pageOf } from './msix-device.js';

/** The device of each trapped page in a `Map`. */
export class MapOfPages {
  private readonly pages = new Map<number, MsixDevice>();

  constructor(devices: readonly MsixDevice[]) {
    for (const device of devices) {
      for (const { firstPage, lastPage } of [device.table, device.pba]) {
        for (let page = firstPage; page <= lastPage; page++) this.pages.set(page, device);
      }
    }
  }

  read(address: number, width: number): number {
    return this.pages.get(pageOf(address))?.read(address, width) ?? UNCLAIMED;
  }

  write(address: number, width: number, data: number): boolean {
    const device = this.pages.get(pageOf(address));
    device?.write(address, width, data);
    return device !== undefined;
  }
}
