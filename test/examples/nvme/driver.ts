import { createDispatcher, type Dispatcher } from 'trapline';
import type { GuestMemory } from '../../../examples/nvme/guest-memory.js';
import { createNvme, type Nvme, TABLE, VECTORS } from '../../../examples/nvme/nvme.js';
import { BLOCK, BufferStorage, type Storage } from '../../../examples/nvme/storage.js';
import { GuestRam } from './guest-ram.js';

export const BAR = 0xfe000000;
export const CAP = 0x00;
export const VS = 0x08;
export const CC = 0x14;
export const CSTS = 0x1c;
export const AQA = 0x24;
export const ASQ = 0x28;
export const ACQ = 0x30;
/** What Linux writes: entry sizes 2^6 and 2^4, enabled. */
export const CC_ENABLED = 0x00460001;
export const READY = 1;
export const FATAL = 2;

export const RAM = 4 << 20;
export const BLOCKS = 4096;
/** Where the driver's queues are: a SQ and a CQ of 64 KiB each. */
export const QUEUES = 0x100000;
export const submissionsAt = (id: number) => QUEUES + 0x20000 * id;
export const completionsAt = (id: number) => submissionsAt(id) + 0x10000;

/** What a command's fields are; those absent are 0. */
export interface Fields {
  readonly opcode: number;
  readonly id?: number;
  readonly flags?: number;
  readonly namespace?: number;
  readonly prp1?: number;
  readonly prp2?: number;
  readonly dwords?: Readonly<Record<number, number>>;
}

export interface Completion {
  readonly id: number;
  readonly status: number;
  readonly result: number;
  readonly head: number;
  readonly queue: number;
}

interface DriverQueue {
  readonly size: number;
  tail: number;
  head: number;
  phase: number;
}

export interface DriverOptions {
  readonly ram?: GuestRam;
  readonly disk?: Uint8Array;
  readonly storage?: Storage;
  readonly memory?: (ram: GuestRam) => GuestMemory;
  readonly onSend?: () => void;
}

/** A guest and its driver: configuration cycles, MMIO, and queues in RAM. */
export class Driver {
  readonly ram: GuestRam;
  readonly disk: Uint8Array;
  readonly dispatcher: Dispatcher;
  readonly nvme: Nvme;
  /** What Trapline and the controller were told of. */
  readonly faults: unknown[] = [];
  readonly errors: unknown[] = [];
  private messages: number[] = [];
  private queues = new Map<number, DriverQueue>();
  private nextId = 1;

  constructor({ ram, disk, storage, memory, onSend }: DriverOptions = {}) {
    this.ram = ram ?? new GuestRam(RAM);
    this.disk = disk ?? new Uint8Array(BLOCKS * BLOCK);
    this.dispatcher = createDispatcher({
      host: { mapPage: (address) => this.nvme.mapPage(address) },
      diagnosticLimit: 'none',
      onError: (error) => this.faults.push(error),
    });
    this.nvme = createNvme({
      dispatcher: this.dispatcher,
      sbdf: '0000:00:08.0',
      memory: memory?.(this.ram) ?? this.ram,
      storage: storage ?? new BufferStorage(this.disk),
      send: ({ data }) => {
        this.messages.push(data);
        onSend?.();
      },
      onError: (error) => this.errors.push(error),
    });
  }

  /** Finds, places and enables the function, and programs MSI-X: vector n sends 0x40 + n. */
  probe(): this {
    const { config } = this.nvme.fn;
    config.write(0x10, 4, BAR);
    config.write(0x14, 4, 0);
    config.write(0x04, 2, 0x0006);
    for (let vector = 0; vector < VECTORS; vector++) {
      this.write(TABLE + 16 * vector, 0xfee01004);
      this.write(TABLE + 16 * vector + 4, 0);
      this.write(TABLE + 16 * vector + 8, 0x40 + vector);
      this.mask(vector, false);
    }
    config.write(0x82, 2, 0x8000);
    return this;
  }

  /** Resets and enables the controller with admin queues of `size` entries. */
  enable(size = 32): this {
    this.write(CC, 0);
    this.queues.clear();
    this.open(0, size);
    this.write(AQA, (size - 1) | ((size - 1) << 16));
    this.write(ASQ, submissionsAt(0));
    this.write(ASQ + 4, 0);
    this.write(ACQ, completionsAt(0));
    this.write(ACQ + 4, 0);
    this.write(CC, CC_ENABLED);
    return this;
  }

  /** Probed, enabled, with I/O queue 1, whose interrupts are vector 1. */
  start(size = 32): this {
    this.probe().enable();
    this.createQueue(1, size);
    this.sent();
    return this;
  }

  createQueue(id: number, size: number): void {
    const pair = id | ((size - 1) << 16);
    const completion = this.command(0, {
      opcode: 5,
      prp1: completionsAt(id),
      dwords: { 10: pair, 11: (id << 16) | 3 },
    });
    const submission = this.command(0, {
      opcode: 1,
      prp1: submissionsAt(id),
      dwords: { 10: pair, 11: (id << 16) | 1 },
    });
    if (completion.status || submission.status) throw new Error(`queue ${id} is refused`);
    this.open(id, size);
  }

  /** Puts the driver's own side of a queue to its start. */
  open(id: number, size: number): void {
    this.ram.bytes.fill(0, submissionsAt(id), submissionsAt(id) + 0x20000);
    this.queues.set(id, { size, tail: 0, head: 0, phase: 1 });
  }

  read(offset: number, width: 1 | 2 | 4 | 8 = 4): number {
    return this.dispatcher.read(BAR + offset, width);
  }

  write(offset: number, value: number): void {
    this.dispatcher.write(BAR + offset, 4, value);
  }

  mask(vector: number, masked: boolean): void {
    this.write(TABLE + 16 * vector + 12, masked ? 1 : 0);
  }

  /** Messages since the last time. */
  sent(): number[] {
    const { messages } = this;
    this.messages = [];
    return messages;
  }

  /** Puts a command into a submission queue, and does not ring; returns its id. */
  push(id: number, fields: Fields): number {
    const queue = this.queue(id);
    const at = submissionsAt(id) + 64 * queue.tail;
    const { view } = this.ram;
    this.ram.bytes.fill(0, at, at + 64);
    const commandId = fields.id ?? this.nextId++;
    view.setUint8(at, fields.opcode);
    view.setUint8(at + 1, fields.flags ?? 0);
    view.setUint16(at + 2, commandId, true);
    view.setUint32(at + 4, fields.namespace ?? 0, true);
    view.setBigUint64(at + 24, BigInt(fields.prp1 ?? 0), true);
    view.setBigUint64(at + 32, BigInt(fields.prp2 ?? 0), true);
    for (const [index, value] of Object.entries(fields.dwords ?? {})) {
      view.setUint32(at + 4 * Number(index), value, true);
    }
    queue.tail = (queue.tail + 1) % queue.size;
    return commandId;
  }

  /** Rings the submission doorbell. */
  ring(id: number): void {
    this.write(0x1000 + 8 * id, this.queue(id).tail);
  }

  /** New completions, by their phase; the completion doorbell is not rung. */
  peek(id: number): Completion[] {
    const queue = this.queue(id);
    const found: Completion[] = [];
    for (;;) {
      const at = completionsAt(id) + 16 * queue.head;
      const { view } = this.ram;
      const word = view.getUint16(at + 14, true);
      if ((word & 1) !== queue.phase) return found;
      found.push({
        id: view.getUint16(at + 12, true),
        status: word >> 1,
        result: view.getUint32(at, true),
        head: view.getUint16(at + 8, true),
        queue: view.getUint16(at + 10, true),
      });
      queue.head = (queue.head + 1) % queue.size;
      if (queue.head === 0) queue.phase ^= 1;
    }
  }

  /** Rings the completion doorbell. */
  consume(id: number): void {
    this.write(0x1004 + 8 * id, this.queue(id).head);
  }

  take(id: number): Completion[] {
    const found = this.peek(id);
    this.consume(id);
    return found;
  }

  /** Submits one command; returns its one completion. */
  command(id: number, fields: Fields): Completion {
    this.push(id, fields);
    this.ring(id);
    const [completion, ...others] = this.take(id);
    if (!completion || others.length > 0)
      throw new Error(`${completion ? 1 + others.length : 0} completions`);
    return completion;
  }

  /** What an embedder keeps of the device. */
  save(): string {
    return JSON.stringify({ controller: this.nvme.save(), functions: this.dispatcher.save() });
  }

  restore(saved: string): void {
    const { controller, functions } = JSON.parse(saved);
    this.nvme.restore(controller);
    this.dispatcher.restore(functions);
  }

  /** Goes on as another machine's guest did, whose RAM and disk have been brought here. */
  follow({ ram, disk, queues, nextId, messages }: Driver): void {
    if (this.ram !== ram) this.ram.bytes.set(ram.bytes);
    if (this.disk !== disk) this.disk.set(disk);
    this.queues = structuredClone(queues);
    this.nextId = nextId;
    this.messages = [...messages];
  }

  /** The same guest with a device that is new, and was restored. */
  migrate(): Driver {
    const driver = new Driver({ ram: this.ram, disk: this.disk });
    driver.follow(this);
    driver.restore(this.save());
    return driver;
  }

  private queue(id: number): DriverQueue {
    const queue = this.queues.get(id);
    if (!queue) throw new Error(`no queue ${id}`);
    return queue;
  }
}

/** Bytes that tell where they belong. */
export function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 7 + (index >> 8) * 13 + seed);
}

/** A PRP list in RAM. */
export function writeList(ram: GuestRam, at: number, entries: readonly number[]): void {
  for (const [index, entry] of entries.entries()) ram.view.setBigUint64(at + 8 * index, BigInt(entry), true);
}
