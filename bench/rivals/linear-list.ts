import { type FunctionDescription, UNCLAIMED } from 'trapline';
import { type MapPage, MsixDevice } from './msix-device.js';

/** All devices in a list that each access walks, as the Xen patch has it. */
export class LinearList {
  private readonly devices: MsixDevice[];

  constructor(functions: readonly FunctionDescription[], mapPage: MapPage) {
    this.devices = functions.map((description) => new MsixDevice(description, mapPage)).reverse();
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
