import { TraplineError } from '../errors.js';
import type { BarDescription, FunctionDescription } from '../function.js';
import { hex } from '../hexadecimal.js';
import { addressBits, barRegister, isWide, romAddress } from './bar-register.js';
import { checkImage } from './config-space.js';
import { COMMAND, FIRST_BAR, headerOf, IO, MEMORY, ROM_ENABLE } from './header.js';
import { readMsix } from './msix-capability.js';

/**
 * Reads a raw configuration space (`lspci -xxxx`, sysfs `config`: 256 or 4096 bytes) as far as `assign` needs it.
 * An image does not tell sizes: `sizes` has them in bytes by BAR index, 6 the ROM, as sysfs `resource` lists them; 0
 * or absent: not implemented. Throws `bad-argument` with every fault found.
 */
export function describeImage(
  image: Uint8Array,
  sizes: readonly (number | undefined)[],
): Pick<FunctionDescription, 'bars' | 'msix' | 'decode' | 'config'> {
  checkImage(image);
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const faults: string[] = [];
  const command = view.getUint16(COMMAND, true);
  const bars = readBars(view, sizes, command, faults);
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const msix = readMsix(image);
  return { bars, ...(msix && { msix }), decode: (command & MEMORY) !== 0, config: image };
}

function readBars(
  view: DataView,
  sizes: readonly (number | undefined)[],
  command: number,
  faults: string[],
): BarDescription[] {
  const header = headerOf(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  const bars: BarDescription[] = [];
  for (let index = 0; index < header.bars; index++) {
    const low = view.getUint32(FIRST_BAR + 4 * index, true);
    const size = sizes[index] ?? 0;
    const wide = isWide(low);
    const isWhole = !wide || index + 1 < header.bars;
    if (!isWhole) faults.push(`config: bar ${index} is 64-bit and has no upper half`);
    if (size > 0) {
      const high = wide && isWhole ? view.getUint32(FIRST_BAR + 4 * index + 4, true) : 0;
      const bar = barRegister(low, high);
      const enabled = (command & (bar.type === 'io' ? IO : MEMORY)) !== 0;
      bars.push({ index, size, enabled, ...bar });
    } else if (addressBits(low) !== 0) {
      faults.push(`config: bar ${index} is ${hex(low)} but sizes has none for it`);
    }
    if (wide) index++;
  }
  const romSize = sizes[6] ?? 0;
  if (romSize > 0 && header.rom > 0) {
    const register = view.getUint32(header.rom, true);
    const enabled = (command & MEMORY) !== 0 && (register & ROM_ENABLE) !== 0;
    bars.push({ index: 6, type: 'rom', address: romAddress(register), size: romSize, enabled });
  }
  return bars;
}
