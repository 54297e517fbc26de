import type { FunctionBar } from './bar.js';
import { writeCommand } from './command.js';
import type { FunctionOwner, PciFunction } from './function.js';
import { headerOf, ROM_ENABLE } from './header.js';
import type { RomDecoder } from './rom.js';

/** Address bits in the lower half of the ROM's register (PCI 3.0 6.2.5.2). */
const ADDRESS = 0xf800;

/** Switches the physical ROM decoder: by the lower half of its register, which has the enable bit. */
export function writeRomEnable({ host, sbdf, config }: PciFunction, rom: FunctionBar, on: boolean): void {
  const value = (rom.hostAddress & ADDRESS) | (on ? ROM_ENABLE : 0);
  host.writeConfig?.(sbdf, headerOf(config.bytes).rom, value);
}

/**
 * The decoder of a function's physical ROM, for the copy. What the guest enables under policy strict is the copy, so
 * that the decoder rests switched off. What the host changes meanwhile, decoding off for one, stays as it is. Where
 * the BARs cannot be enabled again, decoding is switched off.
 */
export function romDecoder(owner: FunctionOwner, fn: PciFunction, rom: FunctionBar): RomDecoder {
  return (copy) => {
    const { decoding } = fn;
    const bars = fn.enabledBars;
    owner.disable(bars);
    try {
      if (!decoding) writeCommand(owner, fn, true);
      writeRomEnable(fn, rom, true);
      copy();
    } finally {
      try {
        writeRomEnable(fn, rom, !rom.isCopied && rom.followsDecode);
      } finally {
        try {
          if (!decoding && !fn.decoding) writeCommand(owner, fn, false);
        } finally {
          if (decoding === fn.decoding) enableAgain(owner, fn, bars);
        }
      }
    }
  };
}

function enableAgain(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): void {
  try {
    owner.enable(bars.filter((bar) => !bar.enabled));
  } catch (error) {
    owner.setDecode(fn, false);
    throw error;
  }
}
