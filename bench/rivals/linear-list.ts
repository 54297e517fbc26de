import { UNCLAIMED } from 'trapline';
import type { MsixDevice } from './msix-device.js';

/** All devices in a list that each access walks, as the Xen patch has it: the newest first. */
export class LinearList {
  private readonly devices: MsixDevice[];

  constructor(devices: readonly MsixDevice[]) {
    this.devices = [...devices].reverse();
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
    for (const device of this.devices) {
      if (device.claims(address)) return device;
    }
    return undefined;
  }
}
