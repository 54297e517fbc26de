import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { V86 } from 'v86';
import { attachV86, type V86Attachment, type V86Options } from '../../../src/hosts/v86.js';

const { resolve } = createRequire(import.meta.url);
/** v86.wasm of the installed package. */
export const wasm = readFileSync(resolve('v86/build/v86.wasm'));

/** A file as v86 takes it. */
function image(name: string): ArrayBuffer {
  const bytes = readFileSync(new URL(`${name}.elf`, import.meta.url));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

/** Boots a program of this folder. Each time that it asks, `serve` has its RAM. */
export function boot(
  program: string,
  options: Omit<V86Options, 'wasm'>,
  serve: (attachment: V86Attachment) => void,
): { attachment: V86Attachment; emulator: V86 } {
  const attachment = attachV86({ ...options, wasm });
  const emulator = new V86({
    wasm_fn: attachment.wasm_fn,
    acpi: true,
    memory_size: 16 << 20,
    vga_memory_size: 1 << 20,
    multiboot: { buffer: image(program) },
    net_device: { type: 'none' },
    disable_speaker: true,
    autostart: true,
  } as unknown as ConstructorParameters<typeof V86>[0]);
  emulator.add_listener('serial0-output-byte', () => serve(attachment));
  return { attachment, emulator };
}

/** Where the executor's list is: a count, and operations of 40 bytes. */
const COUNT = 0x30_0000;
const FIRST = 0x30_0010;
const SIZE = 40;
const KINDS = [
  'read',
  'write',
  'config read',
  'config write',
  'add',
  'copy in',
  'copy out',
  'port read',
  'port write',
  'call',
  'interrupts',
  'wait',
] as const;

export interface Operation {
  readonly kind: (typeof KINDS)[number];
  /** Bytes: 1, 2, 4; of reads and writes 8 and 16 too. */
  readonly width: number;
  /** Of configuration cycles the offset. */
  readonly address: number;
  /** Of configuration cycles device << 3 | function; of copies the number of elements; port; interrupt vector. */
  readonly where?: number;
  readonly data?: readonly number[];
}

/** Four words that an operation read. */
export type Result = readonly number[];

function putOperations({ memory }: V86Attachment, operations: readonly Operation[]): void {
  const bytes = new Uint8Array(16 + SIZE * operations.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, operations.length, true);
  operations.forEach(({ kind, width, address, where = 0, data = [] }, index) => {
    const at = 16 + SIZE * index;
    view.setUint8(at, KINDS.indexOf(kind));
    view.setUint8(at + 1, width);
    view.setUint16(at + 2, where, true);
    view.setUint32(at + 4, address, true);
    for (const [number, word] of data.entries()) view.setUint32(at + 8 + 4 * number, word, true);
  });
  memory.write(COUNT, bytes);
}

function takeResults({ memory }: V86Attachment, count: number): Result[] {
  const bytes = new Uint8Array(SIZE * count);
  memory.read(FIRST, bytes);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, index) =>
    [0, 1, 2, 3].map((word) => view.getUint32(SIZE * index + 24 + 4 * word, true)),
  );
}

/** A guest that executes what it is asked to. */
export class Guest {
  readonly attachment: V86Attachment;
  readonly emulator: V86;
  private wanted: readonly Operation[] | undefined;
  private given: readonly Operation[] = [];
  private done: (results: Result[]) => void = () => {};

  constructor(options: Omit<V86Options, 'wasm'>) {
    const { attachment, emulator } = boot('executor', options, () => this.serve());
    this.attachment = attachment;
    this.emulator = emulator;
  }

  /** In order. */
  run(...operations: Operation[]): Promise<Result[]> {
    this.wanted = operations;
    return new Promise((resolve) => {
      this.done = resolve;
    });
  }

  /** It asks again and again while there is nothing to do. */
  private serve(): void {
    if (this.given.length > 0) this.done(takeResults(this.attachment, this.given.length));
    this.given = this.wanted ?? [];
    this.wanted = undefined;
    putOperations(this.attachment, this.given);
  }
}

/** A guest while `use` runs. */
export async function withGuest<T>(
  options: Omit<V86Options, 'wasm'>,
  use: (guest: Guest) => Promise<T>,
): Promise<T> {
  const guest = new Guest(options);
  try {
    return await use(guest);
  } finally {
    await guest.emulator.destroy();
  }
}
