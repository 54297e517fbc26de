import type { Command } from './command.js';
import type { Features } from './features.js';
import type { GuestMemory } from './guest-memory.js';
import { NAMESPACE, type Namespace } from './namespace.js';
import { fetchData, MAX_TRANSFER, sendData } from './prp.js';
import { Failed, status } from './status.js';
import { BLOCK } from './storage.js';

const FLUSH = 0x00;
const WRITE = 0x01;
const READ = 0x02;
const BROADCAST = 0xffffffff;
/** Force Unit Access. */
const FUA = 1 << 30;

export interface IoCommandsOptions {
  readonly memory: GuestMemory;
  readonly namespace: Namespace;
  readonly features: Features;
  /** Told what the storage threw. */
  readonly onError: (error: unknown) => void;
}

/** The NVM command set (NVMe 1.4, 6). */
export class IoCommands {
  private readonly options: IoCommandsOptions;
  private readonly buffer = new Uint8Array(MAX_TRANSFER);

  constructor(options: IoCommandsOptions) {
    this.options = options;
  }

  /** Returns dword 0 of the completion. */
  execute(command: Command): number {
    switch (command.opcode) {
      case FLUSH:
        this.checkNamespace(command, true);
        this.flush();
        return 0;
      case WRITE:
        this.write(command);
        return 0;
      case READ:
        this.read(command);
        return 0;
      default:
        throw new Failed(status.invalidOpcode);
    }
  }

  private read(command: Command): void {
    const { block, data } = this.transfer(command);
    this.attempt(() => this.options.namespace.read(block, data), status.unrecoveredReadError);
    sendData(this.options.memory, command, data);
  }

  private write(command: Command): void {
    const { block, data } = this.transfer(command);
    fetchData(this.options.memory, command, data);
    this.attempt(() => this.options.namespace.write(block, data), status.writeFault);
    if (command.dword(12) & FUA || !this.options.features.writeCache) this.flush();
  }

  private flush(): void {
    this.attempt(() => this.options.namespace.flush(), status.writeFault);
  }

  private transfer(command: Command): { block: number; data: Uint8Array } {
    this.checkNamespace(command, false);
    const block = command.qword(10);
    const count = (command.dword(12) & 0xffff) + 1;
    if (count * BLOCK > MAX_TRANSFER) throw new Failed(status.invalidField);
    if (block + count > this.options.namespace.storage.blocks) throw new Failed(status.lbaOutOfRange);
    return { block, data: this.buffer.subarray(0, count * BLOCK) };
  }

  private checkNamespace({ namespace }: Command, broadcast: boolean): void {
    if (namespace === NAMESPACE || (broadcast && namespace === BROADCAST)) return;
    throw new Failed(status.invalidNamespace);
  }

  private attempt(work: () => void, failure: number): void {
    try {
      work();
    } catch (error) {
      this.options.onError(error);
      throw new Failed(failure);
    }
  }
}
