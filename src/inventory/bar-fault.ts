import { ADDRESS_LIMIT } from '../access.js';
import type { BarType } from '../host.js';
import { BAR_GRAIN } from '../pci/bar-register.js';

interface ListedBar {
  readonly index: number;
  readonly type: BarType;
  readonly address: number | undefined;
  readonly size: number | undefined;
}

/** What is wrong with a function's list of BARs, however it was read: no device has such. */
export function barFault(bars: readonly ListedBar[]): string | undefined {
  for (const { index, type, address, size } of bars) {
    const upper = type === 'mem64' ? index + 1 : index;
    if (upper > (index < 6 ? 5 : 6)) return `BAR ${index}: expected an index below 5 of a 64-bit BAR`;
    if (bars.some((bar) => bar.index !== index && bar.index === upper)) {
      return `BAR ${upper}: expected nothing beside the 64-bit BAR ${index}`;
    }
    if (bars.filter((bar) => bar.index === index).length > 1) return `BAR ${index}: expected it once`;
    if (type === 'io') continue;
    if ((size ?? 0) % BAR_GRAIN !== 0)
      return `BAR ${index}: expected a size that is a multiple of ${BAR_GRAIN}, got ${size}`;
    if ((address ?? 0) % BAR_GRAIN !== 0)
      return `BAR ${index}: expected an address that is a multiple of ${BAR_GRAIN}`;
    if ((address ?? 0) + (size ?? 0) > ADDRESS_LIMIT) return `BAR ${index}: expected it below 2^52`;
  }
  return undefined;
}
