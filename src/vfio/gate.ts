import type { Errno } from './errno.js';

/** Asked before every single access: 0, or the errno that ends the transfer. */
export interface Gate {
  /** The door is open. */
  checkOpen(): 0 | Errno;
  /** And the ROM's decoder, which a BAR may share, is off. */
  check(): 0 | Errno;
  /** And memory decoding is on, where the function has such a bit, and the function is not in D3hot. */
  checkMemory(): 0 | Errno;
}
