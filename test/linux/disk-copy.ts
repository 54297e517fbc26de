import { createCipheriv, createHash } from 'node:crypto';

/** Bytes of each half of the disk. */
export const HALF = 16 << 20;
const BLOCK = 4096;
const PROGRAMS = 4;
/** Commands of a copy: a read and a write of each block, then a read of each that was written. */
const BLOCKS = HALF / BLOCK;
export const COPIED = 2 * BLOCKS;
export const HASHED = 3 * BLOCKS;

/** Reads the disk past the guest's cache. */
export const DIRECT = 'dd if=/dev/nvme0n1 iflag=direct';

const COPIES = Array.from({ length: PROGRAMS }, (_, index) => {
  const count = BLOCKS / PROGRAMS;
  const from = index * count;
  return `${DIRECT} of=/dev/nvme0n1 oflag=direct bs=${BLOCK} skip=${from} seek=${BLOCKS + from} count=${count} &`;
});

/** Programs that run at once copy the first half of the disk to the second, which is then read: prints its checksum. */
export const COPY = `(${COPIES.join(' ')} wait) 2>/dev/null; ${DIRECT} bs=${BLOCK} skip=${BLOCKS} 2>/dev/null | sha256sum`;

/** Bytes that do not repeat, others for each number. */
export function pattern(length: number, number: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, number), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
