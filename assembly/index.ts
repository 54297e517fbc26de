// The ABI: every export. 8-byte data are two u32 lanes, low and high; addresses as well, but for JavaScript's.

/** One access from JavaScript; what it cannot finish comes back as an outcome (layout.ts). */
export { read, read4, write, write4 } from './dispatch';
/** Sets what the policy and the domain decide for the hot path. */
export { configure } from './policy';
/** A run of ioreq records. */
export { answer } from './ring';
/** One access from another wasm module, finished. */
export { trap_read, trap_write } from './trap';
/** The same for v86, by the names of its imports. */
export {
  mmap_read8,
  mmap_read32,
  mmap_write8,
  mmap_write16,
  mmap_write32,
  mmap_write64,
  mmap_write128,
} from './v86';
