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

/** Get Log Page (NVMe 1.4, 5.14.1). */
export class LogPages {
  private readonly namespace: Namespace;
  /** The newest first. */
  private readonly errors: Uint8Array[] = [];
  private errorCount = 0;

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  /** Error Information (figure 195). */
  record(command: Command, failure: number): void {
    this.errorCount++;
    const entry = new Uint8Array(ERROR_SIZE);
    const view = new DataView(entry.buffer);
    view.setUint32(0, this.errorCount, true);
    view.setUint16(8, command.queue, true);
    view.setUint16(10, command.id, true);
    view.setUint16(12, failure << 1, true);
    view.setUint16(14, 0xffff, true); // the field at fault is not told
    view.setUint32(24, command.namespace, true);
    this.errors.unshift(entry);
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

  private errorInformation(): Uint8Array {
    const page = new Uint8Array(ERROR_SIZE * (ERROR_LOG_ENTRIES + 1));
    for (const [index, entry] of this.errors.entries()) page.set(entry, ERROR_SIZE * index);
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
