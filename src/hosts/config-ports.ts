import type { ConfigRegisters } from '../function.js';
import type { Sbdf } from '../sbdf.js';

/** I/O ports of PCI configuration mechanism #1 (PCI 3.0 3.2.2.3.2): CONFIG_ADDRESS, and CONFIG_DATA behind it. */
export const CONFIG_ADDRESS = 0xcf8;
export const CONFIG_DATA = 0xcfc;
/** CONFIG_ADDRESS: configuration cycles are enabled. */
export const ENABLE = 0x8000_0000;

/**
 * Configuration cycles by ports, as a host with functions of its own shares them: it keeps a CONFIG_ADDRESS too, and
 * answers for all functions that are not found here.
 */
export class ConfigPorts {
  /** CONFIG_ADDRESS. */
  address = 0;
  private readonly find: (sbdf: Sbdf) => ConfigRegisters | undefined;

  constructor(find: (sbdf: Sbdf) => ConfigRegisters | undefined) {
    this.find = find;
  }

  static has(port: number): boolean {
    return (port & ~7) === CONFIG_ADDRESS;
  }

  /** Undefined: the host answers. */
  read(port: number, width: 1 | 2 | 4): number | undefined {
    const config = this.selected;
    if (!config) return undefined;
    if (port < CONFIG_DATA) return shifted(this.address, port - CONFIG_ADDRESS, width);
    return config.read((this.address & 0xfc) + (port - CONFIG_DATA), width);
  }

  /** False: the host is written. It is told CONFIG_ADDRESS always. */
  write(port: number, width: 1 | 2 | 4, value: number): boolean {
    if (port < CONFIG_DATA) {
      for (let index = 0; index < width && port + index < CONFIG_DATA; index++) {
        const shift = 8 * (port - CONFIG_ADDRESS + index);
        const byte = (value >>> (8 * index)) & (shift === 0 ? 0xfc : 0xff);
        this.address = ((this.address & ~(0xff << shift)) | (byte << shift)) >>> 0;
      }
      return false;
    }
    const config = this.selected;
    config?.write((this.address & 0xfc) + (port - CONFIG_DATA), width, value);
    return config !== undefined;
  }

  private get selected(): ConfigRegisters | undefined {
    return this.address >= ENABLE ? this.find((this.address >>> 8) & 0xffff) : undefined;
  }
}

const shifted = (value: number, bytes: number, width: 1 | 2 | 4): number => {
  const rest = value >>> (8 * bytes);
  return width === 4 ? rest : rest & (2 ** (8 * width) - 1);
};
