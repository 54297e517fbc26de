import type { Width } from '../access.js';
import type { PageHandler } from '../host.js';

/** A page of what takes accesses as bytes, low address first: those that an access has, of 8. */
export const bytePage = (
  read: (offset: number, width: Width, into: DataView) => void,
  write: (offset: number, width: Width, from: DataView) => void,
): PageHandler => ({
  read(offset, width, high) {
    const view = new DataView(new ArrayBuffer(8));
    read(offset, width, view);
    high[0] = view.getUint32(4, true);
    return view.getUint32(0, true);
  },
  write(offset, width, low, high) {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, low, true);
    view.setUint32(4, high, true);
    write(offset, width, view);
  },
});
