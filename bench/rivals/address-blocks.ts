const BLOCK_BITS = 17;
/** Bytes that one pair of closures answers for. */
export const BLOCK_SIZE = 2 ** BLOCK_BITS;
/** 16384 blocks up to 4 GiB. */
export const BLOCKS_START = 0x80000000;

/**
 * Closures indexed by the address's block of 128 KiB, as v86 has it: 32-bit addresses, no BAR that moves, no MSI-X
 * semantics; each block is `bytes` of plain memory.
 */
export class AddressBlocks {
  private readonly reads: ((address: number) => number)[] = new Array(2 ** (32 - BLOCK_BITS));
  private readonly writes: ((address: number, data: number) => void)[] = new Array(2 ** (32 - BLOCK_BITS));

  constructor(functions: number, bytes: number) {
    this.reads.fill(() => -1);
    this.writes.fill(() => {});
    for (let index = 0; index < functions; index++) {
      const memory = new Int32Array(bytes / 4);
      const block = (BLOCKS_START + index * BLOCK_SIZE) >>> BLOCK_BITS;
      this.reads[block] = (address) => memory[(address & (BLOCK_SIZE - 1)) >> 2];
      this.writes[block] = (address, data) => {
        memory[(address & (BLOCK_SIZE - 1)) >> 2] = data;
      };
    }
  }

  read(address: number): number {
    return this.reads[address >>> BLOCK_BITS](address);
  }

  write(address: number, _width: number, data: number): boolean {
    this.writes[address >>> BLOCK_BITS](address, data);
    return true;
  }
}
