import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileStorage } from '../../../examples/nvme/file-storage.js';
import { status } from '../../../examples/nvme/status.js';
import { BLOCK, BufferStorage } from '../../../examples/nvme/storage.js';
import { BLOCKS, Driver, pattern, RAM, writeList } from './driver.js';

const FLUSH = 0x00;
const WRITE = 0x01;
const READ = 0x02;
const PAGE = 4096;
const LIST = 0x8000;

const io = (driver: Driver, opcode: number, block: number, count: number, prp1: number, prp2 = 0, more = 0) =>
  driver.command(1, {
    opcode,
    namespace: 1,
    prp1,
    prp2,
    dwords: { 10: block >>> 0, 11: Math.floor(block / 2 ** 32), 12: ((count - 1) | more) >>> 0 },
  }).status;

/** Data pages of the guest, in no order. */
const pages = (count: number) =>
  Array.from({ length: count }, (_, index) => 0x40000 + PAGE * ((index * 7) % 64));

const gather = (driver: Driver, addresses: readonly number[], length: number): Uint8Array => {
  const data = new Uint8Array(length);
  let done = 0;
  for (const address of addresses) {
    const part = driver.ram.bytes.subarray(
      address,
      address + Math.min(PAGE - (address % PAGE), length - done),
    );
    data.set(part, done);
    done += part.length;
  }
  return data;
};

describe('Read and Write', () => {
  test('one block', () => {
    const driver = new Driver().start();
    driver.ram.bytes.set(pattern(BLOCK), 0x2000);
    expect(io(driver, WRITE, 5, 1, 0x2000)).toBe(0);
    expect(driver.disk.subarray(5 * BLOCK, 6 * BLOCK)).toEqual(pattern(BLOCK));
    expect(driver.disk.subarray(0, 5 * BLOCK).every((byte) => byte === 0)).toBe(true);
    expect(driver.disk.subarray(6 * BLOCK).every((byte) => byte === 0)).toBe(true);
    expect(io(driver, READ, 5, 1, 0x3ffc, 0x5000)).toBe(0);
    expect(gather(driver, [0x3ffc, 0x5000], BLOCK)).toEqual(pattern(BLOCK));
  });

  test.each([
    ['1 page', 8, 0, 0],
    ['2 pages, by PRP 2', 16, 0, 0],
    ['2 pages from amid the first, by PRP 2', 9, 4, 0],
    ['3 pages, by a list', 24, 0, 0],
    ['32 pages, the most', 256, 0, 0],
    ['33 pages, from amid the first', 256, 512, 0],
    ['32 pages, the list of which ends on its page', 256, 0, PAGE - 8 * 31],
    ['32 pages, the list of which goes on', 256, 0, PAGE - 8 * 30],
    ['32 pages, the list of which begins with its second page', 256, 0, PAGE - 8],
  ])('%s', (_, count, offset, listOffset) => {
    const driver = new Driver().start();
    const length = count * BLOCK;
    const addresses = pages(Math.ceil((length + offset) / PAGE));
    addresses[0] += offset;
    const rest = addresses.slice(1);
    let prp2 = rest[0] ?? 0;
    if (rest.length > 1) {
      prp2 = LIST + listOffset;
      const room = (PAGE - listOffset) / 8;
      const first = rest.length <= room ? rest.length : room - 1;
      writeList(driver.ram, prp2, [...rest.slice(0, first), ...(first < rest.length ? [LIST + 0x2000] : [])]);
      writeList(driver.ram, LIST + 0x2000, rest.slice(first));
    }
    driver.disk.set(pattern(length), 3 * BLOCK);
    driver.ram.writes.length = 0;
    expect(io(driver, READ, 3, count, addresses[0], prp2)).toBe(0);
    expect(Buffer.compare(gather(driver, addresses, length), pattern(length))).toBe(0);
    expect(driver.ram.writes.slice(0, -1).map(({ address }) => address)).toEqual(addresses);
    expect(io(driver, WRITE, 1000, count, addresses[0], prp2)).toBe(0);
    expect(Buffer.compare(driver.disk.subarray(1000 * BLOCK, 1000 * BLOCK + length), pattern(length))).toBe(
      0,
    );
  });

  test.each([
    ['the last block', BLOCKS - 1, 1, 0],
    ['a block behind the last', BLOCKS, 1, status.lbaOutOfRange],
    ['blocks on both sides of the end', BLOCKS - 1, 2, status.lbaOutOfRange],
    ['a block number of 2^32', 2 ** 32, 1, status.lbaOutOfRange],
    ['the largest block number', 2 ** 64, 1, status.lbaOutOfRange],
    ['257 blocks, more than MDTS', 0, 257, status.invalidField],
    ['65536 blocks', 0, 65536, status.invalidField],
  ])('%s', (_, block, count, expected) => {
    const driver = new Driver().start();
    const dwords = {
      10: block % 2 ** 32,
      11: Math.min(Math.floor(block / 2 ** 32), 0xffffffff),
      12: count - 1,
    };
    for (const opcode of [READ, WRITE]) {
      const { status: found } = driver.command(1, { opcode, namespace: 1, prp1: 0x2000, dwords });
      expect(found).toBe(expected);
    }
  });

  test.each([
    ['PRP 1 no multiple of 4', 1, 0x2001, 0, status.invalidPrpOffset],
    ['PRP 2 amid a page', 16, 0x2000, 0x3004, status.invalidPrpOffset],
    ['a list no multiple of 8', 24, 0x2000, LIST + 4, status.invalidPrpOffset],
    ['a list whose entry is amid a page', 24, 0x2000, LIST, status.invalidPrpOffset],
    ['a list that goes on amid a page', 24, 0x2000, LIST + PAGE - 8, status.invalidPrpOffset],
    ['PRP 1 behind RAM', 1, RAM, 0, status.dataTransferError],
    ['PRP 1 across the end of RAM', 16, RAM - PAGE, RAM, status.dataTransferError],
    ['a list behind RAM', 24, 0x2000, RAM, status.dataTransferError],
    ['a list whose entry is behind RAM', 24, 0x2000, LIST + 0x100, status.dataTransferError],
  ])('%s: the status tells, and the disk stays', (_, count, prp1, prp2, expected) => {
    const driver = new Driver().start();
    writeList(driver.ram, LIST, [0x4000, 0x5008]);
    writeList(driver.ram, LIST + 0x100, [0x4000, RAM]);
    writeList(driver.ram, LIST + PAGE - 8, [LIST + 0x2100]);
    driver.ram.bytes.fill(0x77, 0x2000, 0x6000);
    expect(io(driver, WRITE, 0, count, prp1, prp2)).toBe(expected);
    expect(driver.disk.every((byte) => byte === 0)).toBe(true);
    expect(io(driver, READ, 0, count, prp1, prp2)).toBe(expected);
    expect(io(driver, READ, 0, 1, 0x2000)).toBe(0);
  });

  test('namespaces: 1, and for Flush all', () => {
    const driver = new Driver().start();
    const on = (opcode: number, namespace: number) =>
      driver.command(1, { opcode, namespace, prp1: 0x2000 }).status;
    for (const opcode of [READ, WRITE, FLUSH]) {
      expect(on(opcode, 1)).toBe(0);
      for (const other of [0, 2]) expect(on(opcode, other)).toBe(status.invalidNamespace);
    }
    expect([READ, WRITE, FLUSH].map((opcode) => on(opcode, 0xffffffff))).toEqual([
      status.invalidNamespace,
      status.invalidNamespace,
      0,
    ]);
  });

  test('every other opcode is invalid', () => {
    const driver = new Driver().start();
    for (let opcode = 3; opcode < 256; opcode++) {
      expect(driver.command(1, { opcode, namespace: 1 }).status).toBe(status.invalidOpcode);
    }
  });

  test('memory that throws is a failure inside the controller, and told', () => {
    const driver = new Driver({
      memory: (ram) => ({
        read: (address, into) => {
          if (address === 0x2000) throw new Error('unplugged');
          return ram.read(address, into);
        },
        write: (address, from) => ram.write(address, from),
      }),
    }).start();
    expect(io(driver, WRITE, 0, 1, 0x2000)).toBe(status.internalError);
    expect(driver.errors).toEqual([new Error('unplugged')]);
    expect(io(driver, WRITE, 0, 1, 0x3000)).toBe(0);
  });
});

describe('what reaches the storage', () => {
  const logged = () => {
    const log: string[] = [];
    const storage = {
      blocks: 8,
      read: (block: number) => void log.push(`read ${block}`),
      write: (block: number) => void log.push(`write ${block}`),
      flush: () => void log.push('flush'),
    };
    return { log, driver: new Driver({ storage }).start() };
  };

  test('Flush flushes, Write only with Force Unit Access or without write cache', () => {
    const { log, driver } = logged();
    const told = () => log.splice(0);
    io(driver, WRITE, 1, 1, 0x2000);
    expect(told()).toEqual(['write 1']);
    io(driver, WRITE, 2, 1, 0x2000, 0, 1 << 30);
    expect(told()).toEqual(['write 2', 'flush']);
    driver.command(1, { opcode: FLUSH, namespace: 1 });
    expect(told()).toEqual(['flush']);
    driver.command(0, { opcode: 9, dwords: { 10: 6, 11: 0 } });
    io(driver, WRITE, 3, 1, 0x2000);
    io(driver, READ, 3, 1, 0x2000);
    expect(told()).toEqual(['write 3', 'flush', 'read 3']);
  });

  test('what it throws is a media error, told and counted', () => {
    const fail = () => {
      throw new Error('worn out');
    };
    const driver = new Driver({ storage: { blocks: 8, read: fail, write: fail, flush: fail } }).start();
    expect(io(driver, READ, 0, 1, 0x2000)).toBe(status.unrecoveredReadError);
    expect(io(driver, WRITE, 0, 1, 0x2000)).toBe(status.writeFault);
    expect(driver.command(1, { opcode: FLUSH, namespace: 1 }).status).toBe(status.writeFault);
    expect(driver.errors).toHaveLength(3);
    driver.command(0, { opcode: 2, prp1: 0x2000, dwords: { 10: 2 | (127 << 16) } });
    expect(driver.ram.view.getBigUint64(0x2000 + 160, true)).toBe(3n);
  });

  test('a buffer: whole blocks of it', () => {
    expect(new BufferStorage(new Uint8Array(3 * BLOCK - 1)).blocks).toBe(2);
  });

  test('a file keeps what was written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nvme-'));
    const path = join(folder, 'disk.img');
    try {
      writeFileSync(path, new Uint8Array(16 * BLOCK + 1));
      const storage = new FileStorage(path);
      expect(storage.blocks).toBe(16);
      const driver = new Driver({ storage }).start();
      driver.ram.bytes.set(pattern(2 * BLOCK), 0x2000);
      expect(io(driver, WRITE, 14, 2, 0x2000)).toBe(0);
      expect(driver.command(1, { opcode: FLUSH, namespace: 1 }).status).toBe(0);
      expect(new Uint8Array(readFileSync(path).subarray(14 * BLOCK, 16 * BLOCK))).toEqual(pattern(2 * BLOCK));
      expect(io(driver, READ, 14, 2, 0x3000)).toBe(0);
      expect(gather(driver, [0x3000], 2 * BLOCK)).toEqual(pattern(2 * BLOCK));
      truncateSync(path, 15 * BLOCK);
      expect(io(driver, READ, 14, 2, 0x3000)).toBe(status.unrecoveredReadError);
      storage.close();
      expect(io(driver, WRITE, 0, 1, 0x2000)).toBe(status.writeFault);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
