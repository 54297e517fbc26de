import { CONFIG_ADDRESS, CONFIG_DATA } from '../config-ports.js';

/** What of v86's imports configuration cycles need. */
export interface PortDoors {
  io_port_read32(port: number): number;
  io_port_write32(port: number, value: number): void;
}

/** 00:1e.0, its first BAR. */
const IDE_BAR = 0x8000_f010 | 0;
/** Two of each channel; the fifth is always there. */
const BARS = 4;

/**
 * Sizes the BARs of v86's IDE controller, as a BIOS does. Those of a channel without drives are not there but read as
 * ports until they are written; v86 cannot restore a state that was saved before. Leaves CONFIG_ADDRESS changed.
 */
export function sizeIdeBars(ports: PortDoors): void {
  for (let index = 0; index < BARS; index++) {
    ports.io_port_write32(CONFIG_ADDRESS, IDE_BAR + 4 * index);
    const before = ports.io_port_read32(CONFIG_DATA);
    ports.io_port_write32(CONFIG_DATA, -1);
    ports.io_port_write32(CONFIG_DATA, before);
  }
}
