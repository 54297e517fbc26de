import { ADDRESS_LIMIT, PAGE_SIZE, type Width } from '../access.js';
import { digits, hex } from '../hexadecimal.js';
import type { Bar } from '../host.js';
import type { Sbdf } from '../sbdf.js';

/**
 * Lines of Linux mmiotrace text, as `MmiotraceParser` reads them. What the format lacks is in MARK lines, in hexadecimal:
 * `trapline policy NAME`, `trapline SBDF reset`, `trapline SBDF control VALUE` (Message Control),
 * `trapline SBDF table OFFSET VALUE` (a dword that no recorded access wrote),
 * `trapline SBDF bar INDEX ADDRESS` (one that is not decoded), `trapline SBDF region ADDRESS SIZE` (one that is no BAR;
 * size 0: it is gone) and, before a function's first PCIDEV line,
 * `trapline SBDF register BAR OFFSET WIDTH` (the guest's in place of the device's).
 */
export const line = {
  version: () => 'VERSION 20070824\n',

  /** BARs that are not decoded have address 0. */
  device: (sbdf: Sbdf, vendor: number, device: number, bars: readonly Bar[]) => {
    const at = (index: number) => bars.find((bar) => bar.index === index);
    const registers = INDICES.map((index) => register(at(index)).toString(16));
    const sizes = INDICES.map((index) => (at(index)?.size ?? 0).toString(16));
    return `PCIDEV ${digits(sbdf, 4)} ${digits(vendor, 4)}${digits(device, 4)} 0 ${registers.join(' ')} ${sizes.join(' ')} \n`;
  },

  /** A mapping is of whole pages in virtual memory, of which there is none: virtual and physical address are the same. */
  map: (time: string, id: number, { address, size }: Bar) => {
    const virtual = address - (address % PAGE_SIZE);
    return `MAP ${time} ${id} ${hex(address)} ${hex(virtual)} ${hex(size)} 0x0 0\n`;
  },

  unmap: (time: string, id: number) => `UNMAP ${time} ${id} 0x0 0\n`,

  access: (
    time: string,
    write: boolean,
    width: Width,
    map: number,
    address: number,
    low: number,
    high: number,
  ) => `${write ? 'W' : 'R'} ${width} ${time} ${map} ${hex(address)} 0x${value(low, high)} 0x0 0\n`,

  /** An access whose width or address the format cannot say. */
  unknown: (time: string) => `UNKNOWN ${time} 0 0x0 00,00,00 0x0 0\n`,

  lost: (count: number) => `MARK 0.000000 Lost ${count} events.\n`,

  policy: (time: string, name: string) => `MARK ${time} trapline policy ${name}\n`,

  reset: (time: string, sbdf: Sbdf) => `MARK ${time} trapline ${digits(sbdf, 4)} reset\n`,

  control: (time: string, sbdf: Sbdf, control: number) =>
    `MARK ${time} trapline ${digits(sbdf, 4)} control ${digits(control, 4)}\n`,

  tableWord: (time: string, sbdf: Sbdf, offset: number, word: number) =>
    `MARK ${time} trapline ${digits(sbdf, 4)} table ${offset.toString(16)} ${word.toString(16)}\n`,

  /** Addresses past 2^52, which no access reaches, are all the same. */
  bar: (time: string, sbdf: Sbdf, index: number, address: number) =>
    `MARK ${time} trapline ${digits(sbdf, 4)} bar ${index} ${Math.min(address, ADDRESS_LIMIT).toString(16)}\n`,

  register: (time: string, sbdf: Sbdf, bar: number, offset: number, width: Width) =>
    `MARK ${time} trapline ${digits(sbdf, 4)} register ${bar} ${offset.toString(16)} ${width}\n`,

  region: (time: string, sbdf: Sbdf, address: number, size: number) =>
    `MARK ${time} trapline ${digits(sbdf, 4)} region ${address.toString(16)} ${size.toString(16)}\n`,
};

const INDICES = [0, 1, 2, 3, 4, 5, 6];

/** Type bits as in a BAR register, bit 0 of the ROM's enables it (PCI 3.0 6.2.5.1, 6.2.5.2). */
function register(bar: Bar | undefined): number {
  if (!bar) return 0;
  const address = bar.enabled ? bar.address : 0;
  if (bar.type === 'rom') return address + (bar.enabled ? 1 : 0);
  return address + { io: 1, mem32: 0, mem64: 4, region: 0 }[bar.type];
}

const value = (low: number, high: number): string =>
  high === 0 ? low.toString(16) : high.toString(16) + digits(low, 8);
