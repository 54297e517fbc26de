import type { MsixLayout } from '../function.js';
import { digits } from '../hexadecimal.js';
import type { Bar } from '../host.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';

/** What `lspci -vvv` would show of a function that has a guest. */
export interface ListedFunction {
  readonly sbdf: Sbdf;
  readonly vendor: number;
  readonly device: number;
  readonly bars: readonly Bar[];
  readonly msix: MsixLayout | undefined;
  readonly messageControl: number;
}

/** In the form of `lspci -vvv`, as `LspciReader` reads it. */
export function lspciText(fn: ListedFunction): string {
  const decode = fn.bars.some((bar) => bar.type !== 'io' && bar.enabled) ? '+' : '-';
  return [
    `${formatSbdf(fn.sbdf)} Function: Device [${digits(fn.vendor, 4)}:${digits(fn.device, 4)}]`,
    `\tControl: I/O- Mem${decode}`,
    ...fn.bars.map(barLine),
    ...(fn.msix ? msixLines(fn.msix, fn.messageControl) : []),
    '',
  ].join('\n');
}

function barLine({ index, type, address, size, enabled }: Bar): string {
  if (type === 'io') return `\tRegion ${index}: I/O ports at ${digits(address, 4)} [size=${sizeText(size)}]`;
  const at = address === 0 ? '<unassigned>' : digits(address, type === 'mem64' ? 16 : 8);
  if (type === 'rom')
    return `\tExpansion ROM at ${at}${enabled ? '' : ' [disabled]'} [size=${sizeText(size)}]`;
  const width = type === 'mem64' ? 64 : 32;
  return `\tRegion ${index}: Memory at ${at} (${width}-bit, non-prefetchable) [size=${sizeText(size)}]`;
}

/** Message Control: bit 15 enables, bit 14 masks the function. */
function msixLines({ count, table, pba, capability = 0x60 }: MsixLayout, control: number): string[] {
  const sign = (bit: number) => ((control >> bit) & 1 ? '+' : '-');
  return [
    `\tCapabilities: [${digits(capability, 2)}] MSI-X: Enable${sign(15)} Count=${count} Masked${sign(14)}`,
    `\t\tVector table: BAR=${table.bir} offset=${digits(table.offset, 8)}`,
    `\t\tPBA: BAR=${pba.bir} offset=${digits(pba.offset, 8)}`,
  ];
}

function sizeText(size: number): string {
  const unit = [3, 2, 1].find((power) => size >= 1024 ** power && size % 1024 ** power === 0);
  return unit === undefined ? `${size}` : `${size / 1024 ** unit}${' KMG'[unit]}`;
}
