import type { PageHandler, PageHost } from '../host.js';
import { bytePage } from './byte-page.js';
import type { MappedPage } from './mapped-page.js';
import type { PageList } from './page-cache.js';

/** A BAR's registers of the guest. */
interface GuestBytes {
  /** By offset in the BAR. */
  readonly registers: ReadonlyMap<number, number>;
  readonly hostAddress: number;
}

/**
 * The host's pages with the guest's registers of these BARs in them. What reads a register's bytes and others is one access
 * of the host's, of that width; what writes both writes the others byte by byte.
 */
export function registerPages(host: PageHost, bars: readonly GuestBytes[], list: PageList): PageHost {
  const pages = new Map<number, MappedPage>();
  const registerAt = (address: number): number | undefined => {
    for (const { registers, hostAddress } of bars) {
      const byte = registers.get(address - hostAddress);
      if (byte !== undefined) return byte;
    }
    return undefined;
  };
  const forget = (address: number): MappedPage | undefined => {
    const page = pages.get(address);
    pages.delete(address);
    if (page) list.remove(page);
    return page;
  };
  return {
    mapPage(address, sbdf) {
      const page = list.add(sbdf, host, address);
      pages.set(address, page);
      let mapped = false;
      try {
        mapped = page.map();
      } finally {
        if (!mapped) forget(address);
      }
      return mapped ? patchedPage(page, (offset) => registerAt(address + offset)) : null;
    },
    unmapPage: (address) => forget(address)?.unmap(),
  };
}

/** A mapped page with the guest's registers in it: their bytes by offset, undefined where a byte is the host's. */
function patchedPage(page: MappedPage, registerAt: (offset: number) => number | undefined): PageHandler {
  /** How many of the bytes are the guest's. */
  const given = (offset: number, width: number): number => {
    let count = 0;
    for (let at = offset; at < offset + width; at++) if (registerAt(at) !== undefined) count++;
    return count;
  };
  const mixed = bytePage(
    (offset, width, into) => {
      if (given(offset, width) < width) page.load(offset, width, into, 0);
      for (let index = 0; index < width; index++) {
        into.setUint8(index, registerAt(offset + index) ?? into.getUint8(index));
      }
    },
    (offset, width, from) => {
      for (let index = 0; index < width; index++) {
        if (registerAt(offset + index) === undefined) page.store(offset + index, 1, from, index);
      }
    },
  );
  return {
    read(offset, width, high) {
      if (given(offset, width) > 0) return mixed.read(offset, width, high);
      const low = page.read(offset, width);
      high[0] = page.high;
      return low;
    },
    write(offset, width, low, high) {
      const target = given(offset, width) > 0 ? mixed : page;
      target.write(offset, width, low, high);
    },
  };
}
