import type { Sbdf } from '../../sbdf.js';
import { CONFIG_ADDRESS, CONFIG_DATA, ENABLE } from '../config-ports.js';
import type { Qtest } from './connection.js';

/** Configuration cycles of QEMU's machine. Offsets are aligned to the width. */
export interface ConfigCycles {
  /** Bytes of a configuration space that they reach. */
  readonly size: 256 | 4096;
  read(sbdf: Sbdf, offset: number, width: 1 | 2 | 4): number;
  write(sbdf: Sbdf, offset: number, width: 1 | 2 | 4, value: number): void;
}

/** By ports, configuration mechanism #1: segment 0. */
export function portCycles(qtest: Qtest): ConfigCycles {
  const select = (sbdf: Sbdf, offset: number): number => {
    qtest.writePort(CONFIG_ADDRESS, 4, ENABLE + ((sbdf & 0xffff) << 8) + (offset & 0xfc));
    return CONFIG_DATA + (offset & 3);
  };
  return {
    size: 256,
    read: (sbdf, offset, width) => qtest.readPort(select(sbdf, offset), width),
    write: (sbdf, offset, width, value) => qtest.writePort(select(sbdf, offset), width, value),
  };
}

/** By memory (PCIe 7.2.2): 4 KiB a function of segment 0, from `base` on. */
export function memoryCycles(qtest: Qtest, base: number): ConfigCycles {
  const at = (sbdf: Sbdf, offset: number): number => base + (sbdf & 0xffff) * 4096 + offset;
  return {
    size: 4096,
    read: (sbdf, offset, width) => qtest.read(at(sbdf, offset), width),
    write: (sbdf, offset, width, value) => qtest.write(at(sbdf, offset), width, value),
  };
}
