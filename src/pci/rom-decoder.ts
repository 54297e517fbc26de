import type { FunctionBar } from './bar.js';
import type { FunctionOwner, PciFunction } from './function.js';
import { headerOf } from './image.js';
import type { RomDecoder } from './rom.js';

const COMMAND = 0x04;
const MEMORY = 1 << 1;
const ENABLE = 1;
/** Address bits in the lower half of the ROM's register (PCI 3.0 6.2.5.2). */
const ADDRESS = 0xf800;

/**
 * The decoder of a function's physical ROM. It rests switched off: what the guest enables is its copy. Both registers
 * are switched by their lower 16 bits. What the host changes meanwhile, decoding off for one, stays as it is.
 */
export function romDecoder(owner: FunctionOwner, fn: PciFunction, rom: FunctionBar): RomDecoder {
  const { host, sbdf } = fn;
  const switchRom = (on: number) =>
    host.writeConfig?.(sbdf, headerOf(fn.config.bytes).rom, (rom.hostAddress & ADDRESS) | on);
  const switchMemory = (on: number) => host.writeConfig?.(sbdf, COMMAND, fn.command | on);
  return (copy) => {
    const { decoding } = fn;
    const bars = fn.enabledBars;
    owner.disable(bars);
    try {
      if (!decoding) switchMemory(MEMORY);
      switchRom(ENABLE);
      copy();
    } finally {
      try {
        switchRom(0);
      } finally {
        try {
          if (!decoding && !fn.decoding) switchMemory(0);
        } finally {
          if (decoding === fn.decoding) owner.enable(bars.filter((bar) => !bar.enabled));
        }
      }
    }
  };
}
