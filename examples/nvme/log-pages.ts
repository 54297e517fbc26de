import type { Command } from './command.js';
import { ERROR_LOG_ENTRIES, FIRMWARE, text } from './identify.js';
import { NAMESPACE, type Namespace } from './namespace.js';
import { MAX_TRANSFER } from './prp.js';
import { Failed, status } from './status.js';

export const ERROR_INFORMATION = 0x01;
const SMART = 0x02;
const FIRMWARE_SLOTS = 0x03;
const ERROR_SIZE = 64;
const BROADCAST = 0xffffffff;
/** A data unit: thousand times 512 bytes (NVMe 1.4, figure 196). */
const DATA_UNIT = 1000;

/** What an entry of the error log tells, beside the number of its error. */
export interface LoggedError {
  readonly queue: number;
  /** The command's. */
  readonly id: number;
  readonly status: number;
  readonly namespace: number;
}

export interface LogPagesState {
  /** The newest first, up to as many as the log has entries. */
  readonly errors: readonly LoggedError[];
  /** All there were. */
  readonly errorCount: number;
}

/** Get Log Page (NVMe 1.4, 5.14.1). */
export class LogPages {
  private readonly namespace: Namespace;
  /** The newest first. */
  private errors: LoggedError[] = [];
  private errorCount = 0;

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  save(): LogPagesState {
    return { errors: this.errors.map((error) => ({ ...error })), errorCount: this.errorCount };
  }

  restore({ errors, errorCount }: LogPagesState): void {
    this.errors = errors.map(({ queue, id, status, namespace }) => ({ queue, id, status, namespace }));
    this.errorCount = errorCount;
  }

  record({ queue, id, namespace }: Command, status: number): void {
    this.errorCount++;
    this.errors.unshift({ queue, id, status, namespace });
    if (this.errors.length > ERROR_LOG_ENTRIES + 1) this.errors.pop();
  }

  /** The bytes asked for; behind the page they are zero. */
  read(command: Command): Uint8Array {
    const page = this.page(command);
    const length = 4 * ((command.dword(11) & 0xffff) * 0x10000 + (command.dword(10) >>> 16) + 1);
    const offset = command.qword(12);
    if (length > MAX_TRANSFER || offset % 4 !== 0 || offset > page.length)
      throw new Failed(status.invalidField);
    const data = new Uint8Array(length);
    data.set(page.subarray(offset, offset + length));
    return data;
  }

  private page(command: Command): Uint8Array {
    switch (command.dword(10) & 0xff) {
      case ERROR_INFORMATION:
        return this.errorInformation();
      case SMART:
        if (command.namespace !== 0 && command.namespace !== BROADCAST) {
          throw new Failed(command.namespace === NAMESPACE ? status.invalidField : status.invalidNamespace);
        }
        return this.smart();
      case FIRMWARE_SLOTS:
        return firmwareSlots();
      default:
        throw new Failed(status.invalidLogPage);
    }
  }

  /** Error Information (figure 195). */
  private errorInformation(): Uint8Array {
    const page = new Uint8Array(ERROR_SIZE * (ERROR_LOG_ENTRIES + 1));
    for (const [index, { queue, id, status, namespace }] of this.errors.entries()) {
      const view = new DataView(page.buffer, ERROR_SIZE * index, ERROR_SIZE);
      view.setBigUint64(0, BigInt(this.errorCount - index), true);
      view.setUint16(8, queue, true);
      view.setUint16(10, id, true);
      view.setUint16(12, status << 1, true);
      view.setUint16(14, 0xffff, true); // the field at fault is not told
      view.setUint32(24, namespace, true);
    }
    return page;
  }

  private smart(): Uint8Array {
    const { blocksRead, blocksWritten, reads, writes, mediaErrors } = this.namespace;
    const page = new Uint8Array(512);
    const view = new DataView(page.buffer);
    view.setUint16(1, 310, true); // kelvin
    page[3] = 100; // available spare and its threshold, percent
    page[4] = 10;
    const counts: readonly [offset: number, count: number][] = [
      [32, Math.ceil(blocksRead / DATA_UNIT)],
      [48, Math.ceil(blocksWritten / DATA_UNIT)],
      [64, reads],
      [80, writes],
      [160, mediaErrors],
      [176, this.errorCount],
    ];
    for (const [offset, count] of counts) view.setBigUint64(offset, BigInt(count), true);
    return page;
  }
}

function firmwareSlots(): Uint8Array {
  const page = new Uint8Array(512);
  page[0] = 1; // slot 1 is active
  text(page, 8, 8, FIRMWARE);
  return page;
}
