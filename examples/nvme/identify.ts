import { VENDOR } from './config-space.js';
import type { Namespace } from './namespace.js';
import { MDTS } from './prp.js';
import { VERSION } from './registers.js';

/** Bytes of every Identify data structure. */
const IDENTIFY_SIZE = 4096;
/** Abort commands and Asynchronous Event Requests at a time, 0's based. */
const ABORT_LIMIT = 3;
export const ASYNC_EVENT_LIMIT = 3;
/** Entries of the error log, 0's based. */
export const ERROR_LOG_ENTRIES = 15;
const MODEL = 'Trapline NVMe example';
export const FIRMWARE = '1.0';

/** Identify Controller (NVMe 1.4, figure 247). */
export function identifyController(serial: string): Uint8Array {
  const { data, view } = structure();
  view.setUint16(0, VENDOR, true);
  view.setUint16(2, VENDOR, true);
  text(data, 4, 20, serial);
  text(data, 24, 40, MODEL);
  text(data, 64, 8, FIRMWARE);
  data[77] = MDTS;
  view.setUint32(80, VERSION, true);
  data[111] = 1; // CNTRLTYPE: I/O controller
  data[258] = ABORT_LIMIT;
  data[259] = ASYNC_EVENT_LIMIT;
  data[260] = 0x03; // FRMW: one slot, read only
  data[261] = 0x04; // LPA: log pages have offsets of 32 bits
  data[262] = ERROR_LOG_ENTRIES;
  view.setUint16(266, 343, true); // WCTEMP, CCTEMP: kelvin
  view.setUint16(268, 373, true);
  data[512] = 0x66; // SQES, CQES: 2^6 and 2^4 bytes
  data[513] = 0x44;
  view.setUint32(516, 1, true); // NN
  data[525] = 0x01; // VWC: there is a volatile write cache
  nqn(data, 768, serial);
  view.setUint16(2048, 1, true); // PSD0: 10 mW at most
  return data;
}

/** Identify Namespace (figure 245): one format, of 512 bytes. */
export function identifyNamespace({ storage: { blocks } }: Namespace, serial: string): Uint8Array {
  const { data, view } = structure();
  for (const field of [0, 8, 16]) view.setBigUint64(field, BigInt(blocks), true); // NSZE, NCAP, NUSE
  data.set(uuid(serial), 104); // NGUID
  data[130] = 9; // LBAF0.LBADS
  return data;
}

/** A list of namespace ids, ascending, zero at its end. */
export function identifyList(ids: readonly number[]): Uint8Array {
  const { data, view } = structure();
  for (const [index, id] of ids.entries()) view.setUint32(4 * index, id, true);
  return data;
}

/** Namespace Identification Descriptors (figure 249): its UUID. */
export function identifyDescriptors(serial: string): Uint8Array {
  const { data } = structure();
  data.set([3, 16], 0);
  data.set(uuid(serial), 4);
  return data;
}

/** Version 8, which is the vendor's own (RFC 9562): made of the serial number. */
function uuid(serial: string): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let index = 0; index < serial.length; index++) bytes[index % 16] ^= serial.charCodeAt(index);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes;
}

function nqn(data: Uint8Array, offset: number, serial: string): void {
  const hex = Array.from(uuid(serial), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  data.set(new TextEncoder().encode(`nqn.2014-08.org.nvmexpress:uuid:${parts.join('-')}`), offset);
}

/** ASCII, padded with spaces. */
export function text(data: Uint8Array, offset: number, length: number, value: string): void {
  data.set(new TextEncoder().encode(value.padEnd(length).slice(0, length)), offset);
}

function structure(): { data: Uint8Array; view: DataView } {
  const data = new Uint8Array(IDENTIFY_SIZE);
  return { data, view: new DataView(data.buffer) };
}
