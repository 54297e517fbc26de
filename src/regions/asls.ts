import type { GuestRegister } from '../function.js';

/**
 * ASL Storage, a dword of the graphics device's configuration space: the OpRegion's physical address. A guest has one of its
 * own, which its firmware writes once it has placed its OpRegion: the host's addresses are none of the guest's business.
 */
export const guestAslsOf = (value: number): GuestRegister => ({
  space: 'config',
  offset: 0xfc,
  width: 4,
  value,
  writable: true,
});
