import { Failed, status } from './status.js';

/** Bytes of a submission queue entry. */
export const COMMAND_SIZE = 64;

/** A submission queue entry (NVMe 1.4, 4.2). */
export class Command {
  /** The queue it came from. */
  readonly queue: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, queue: number) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, COMMAND_SIZE);
    this.queue = queue;
  }

  get opcode(): number {
    return this.view.getUint8(0);
  }

  get id(): number {
    return this.view.getUint16(2, true);
  }

  get namespace(): number {
    return this.dword(1);
  }

  get prp1(): number {
    return this.qword(6);
  }

  get prp2(): number {
    return this.qword(8);
  }

  dword(index: number): number {
    return this.view.getUint32(4 * index, true);
  }

  /** From 2^53 on, what is rounded is out of every range anyhow. */
  qword(index: number): number {
    return this.dword(index + 1) * 2 ** 32 + this.dword(index);
  }

  /** Neither fused operations nor SGLs. */
  checkFormat(): void {
    if ((this.view.getUint8(1) & 0xc3) !== 0) throw new Failed(status.invalidField);
  }
}
