/** ASL Storage, a dword of the graphics device's configuration space: the OpRegion's physical address. */
export const ASLS = 0xfc;

/**
 * The ASLS that a guest sees: four bytes of its own, which its firmware writes once it has placed its OpRegion. What it
 * starts with is the embedder's choice; the host's addresses are none of the guest's business.
 */
export class AslsRegister {
  private readonly view = new DataView(new ArrayBuffer(4));

  constructor(value: number) {
    this.view.setUint32(0, value, true);
  }

  get value(): number {
    return this.view.getUint32(0, true);
  }

  /** A configuration cycle: `offset` in configuration space, 1, 2 or 4 bytes, aligned; any other reads all ones. */
  read(offset: number, width: number): number {
    if (!isCycle(offset, width)) return 0xffff_ffff;
    const at = offset - ASLS;
    if (width === 1) return this.view.getUint8(at);
    return width === 2 ? this.view.getUint16(at, true) : this.view.getUint32(at, true);
  }

  /** Any other than a cycle of the register writes nothing. */
  write(offset: number, width: number, value: number): void {
    if (!isCycle(offset, width)) return;
    const at = offset - ASLS;
    if (width === 1) this.view.setUint8(at, value);
    else if (width === 2) this.view.setUint16(at, value, true);
    else this.view.setUint32(at, value, true);
  }
}

const isCycle = (offset: number, width: number): boolean =>
  (width === 1 || width === 2 || width === 4) &&
  offset >= ASLS &&
  offset + width <= ASLS + 4 &&
  offset % width === 0;
