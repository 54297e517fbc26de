import type { Width } from '../../access.js';
import { digits } from '../../hexadecimal.js';
import { QtestError } from './error.js';
import { Fifos } from './fifos.js';

/** How a connection behaves. */
export interface QtestOptions {
  /** Milliseconds that QEMU may take for an answer, and at first to open the FIFOs. Default: 10,000. */
  readonly timeout?: number;
}

const TIMEOUT = 10_000;
/** Bytes of memory a command: its line fits PIPE_BUF. */
const BLOCK = 1024;
const LETTERS = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' } as const;

/** QEMU's qtest protocol: its physical memory and I/O ports, an access a command. All methods throw `QtestError`. */
export class Qtest {
  private readonly fifos: Fifos;

  /** The FIFOs `path.in` and `path.out` of a QEMU with `-qtest pipe:PATH`. */
  constructor(path: string, { timeout = TIMEOUT }: QtestOptions = {}) {
    this.fifos = new Fifos(path, timeout);
    const order = this.command('endianness');
    if (order !== 'little') throw new QtestError(`${path}: a ${order} endian machine is not supported`);
  }

  /** The value, unsigned; of 8 bytes the low lane, the high one in `high[0]`. */
  read(address: number, width: Width, high?: Uint32Array): number {
    const digits = this.value(`read${LETTERS[width]} ${hex(address)}`);
    if (high) high[0] = Number.parseInt(digits.slice(-16, -8) || '0', 16);
    return Number.parseInt(digits.slice(-8), 16);
  }

  /** `low`, and of 8 bytes `high`, are 32-bit lanes. */
  write(address: number, width: Width, low: number, high = 0): void {
    const value = width === 8 ? hex(high) + digits(low >>> 0, 8) : hex(low);
    this.command(`write${LETTERS[width]} ${hex(address)} ${value}`);
  }

  /** The value, unsigned. */
  readPort(port: number, width: 1 | 2 | 4): number {
    return Number.parseInt(this.value(`in${LETTERS[width]} ${hex(port)}`), 16);
  }

  /** `value` is unsigned. */
  writePort(port: number, width: 1 | 2 | 4, value: number): void {
    this.command(`out${LETTERS[width]} ${hex(port)} ${hex(value)}`);
  }

  /** Physical memory of QEMU's machine, a copy. */
  readMemory(address: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at += BLOCK) {
      const size = Math.min(BLOCK, length - at);
      const digits = this.value(`read ${hex(address + at)} ${hex(size)}`);
      if (digits.length !== 2 * size) throw new QtestError(`qtest: ${digits.length / 2} bytes for ${size}`);
      bytes.write(digits, at, 'hex');
    }
    return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
  }

  /** Puts bytes into the physical memory of QEMU's machine. */
  writeMemory(address: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BLOCK) {
      const block = Buffer.from(bytes.subarray(at, at + BLOCK));
      this.command(`write ${hex(address + at)} ${hex(block.length)} 0x${block.toString('hex')}`);
    }
  }

  /** Any command: what follows `OK` in its answer. */
  command(line: string): string {
    this.fifos.send(line);
    let answer: string;
    // Between answers there are interrupts, where they were asked for.
    do answer = this.fifos.receive(line);
    while (answer.startsWith('IRQ '));
    const [, result] = /^OK ?(.*)$/.exec(answer) ?? [];
    if (result === undefined) throw new QtestError(`qtest: ${JSON.stringify(line)}: ${answer}`);
    return result;
  }

  /** Every command fails from now on. */
  close(): void {
    this.fifos.close();
  }

  private value(line: string): string {
    const result = this.command(line);
    const [, digits] = /^0x([0-9a-f]+)$/i.exec(result) ?? [];
    if (digits === undefined) throw new QtestError(`qtest: ${JSON.stringify(line)}: OK ${result}`);
    return digits;
  }
}

const hex = (value: number): string => `0x${(value < 0 ? value >>> 0 : value).toString(16)}`;
