import type { PageHost } from '../host.js';
import type { FunctionBar } from '../pci/bar.js';
import { bytePage } from './byte-page.js';
import { MappedPage } from './mapped-page.js';

/**
 * The host's pages with the guest's registers of these BARs in them. What reads a register's bytes and others is one access
 * of the host's, of that width; what writes both writes the others byte by byte.
 */
export function registerPages(host: PageHost, bars: readonly FunctionBar[]): PageHost {
  const registersAt = (address: number, width: number) =>
    Array.from({ length: width }, (_, index) =>
      bars.reduce<number | undefined>(
        (found, { registers, hostAddress }) => found ?? registers.get(address + index - hostAddress),
        undefined,
      ),
    );
  return {
    mapPage(address, sbdf) {
      const page = new MappedPage(0, sbdf, host, address, []);
      if (!page.map()) return null;
      return bytePage(
        (offset, width, into) => {
          const registers = registersAt(address + offset, width);
          if (registers.includes(undefined)) page.load(offset, width, into, 0);
          for (const [index, byte] of registers.entries()) if (byte !== undefined) into.setUint8(index, byte);
        },
        (offset, width, from) => {
          const registers = registersAt(address + offset, width);
          if (registers.every((byte) => byte === undefined)) page.store(offset, width, from, 0);
          else {
            for (const [index, byte] of registers.entries()) {
              if (byte === undefined) page.store(offset + index, 1, from, index);
            }
          }
        },
      );
    },
    unmapPage: (address, sbdf) => host.unmapPage?.(address, sbdf),
  };
}
