import { describe, expect, test } from 'vitest';
import { status } from '../../../examples/nvme/status.js';
import {
  BLOCKS,
  CC,
  CC_ENABLED,
  CSTS,
  completionsAt,
  Driver,
  FATAL,
  RAM,
  READY,
  submissionsAt,
} from './driver.js';

const DELETE_SQ = 0x00;
const CREATE_SQ = 0x01;
const LOG = 0x02;
const DELETE_CQ = 0x04;
const CREATE_CQ = 0x05;
const IDENTIFY = 0x06;
const ABORT = 0x08;
const SET = 0x09;
const GET = 0x0a;
const ASYNC = 0x0c;
const DATA = 0x2000;

const ready = () => new Driver().probe().enable();
const ascii = (driver: Driver, offset: number, length: number) =>
  new TextDecoder().decode(driver.ram.bytes.subarray(DATA + offset, DATA + offset + length));

describe('Identify', () => {
  const identify = (driver: Driver, cns: number, namespace = 0, prp1 = DATA, prp2 = 0) =>
    driver.command(0, { opcode: IDENTIFY, namespace, prp1, prp2, dwords: { 10: cns } }).status;

  test('controller', () => {
    const driver = ready();
    expect(identify(driver, 1)).toBe(0);
    const { view, bytes } = driver.ram;
    expect(ascii(driver, 4, 20)).toBe('TRAPLINE00000040    ');
    expect(ascii(driver, 24, 40).trim()).toBe('Trapline NVMe example');
    expect(bytes[DATA + 77]).toBe(5);
    expect(view.getUint32(DATA + 80, true)).toBe(0x00010400);
    expect([bytes[DATA + 512], bytes[DATA + 513]]).toEqual([0x66, 0x44]);
    expect(view.getUint32(DATA + 516, true)).toBe(1);
    expect(bytes[DATA + 525]).toBe(1);
    expect(ascii(driver, 768, 256).replace(/\0+$/, '')).toMatch(
      /^nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
  });

  test('namespace', () => {
    const driver = ready();
    expect(identify(driver, 0, 1)).toBe(0);
    const { view } = driver.ram;
    for (const field of [0, 8, 16]) expect(view.getBigUint64(DATA + field, true)).toBe(BigInt(BLOCKS));
    expect(view.getUint32(DATA + 128, true)).toBe(9 << 16);
    for (const other of [0, 2, 0xffffffff]) expect(identify(driver, 0, other)).toBe(status.invalidNamespace);
  });

  test('active namespaces above an id', () => {
    const driver = ready();
    const list = (id: number) => {
      expect(identify(driver, 2, id)).toBe(0);
      return [driver.ram.view.getUint32(DATA, true), driver.ram.view.getUint32(DATA + 4, true)];
    };
    expect(list(0)).toEqual([1, 0]);
    expect(list(1)).toEqual([0, 0]);
    expect(list(0xfffffffd)).toEqual([0, 0]);
    expect(identify(driver, 2, 0xfffffffe)).toBe(status.invalidNamespace);
  });

  test('namespace descriptors: a UUID of version 8, the end behind it', () => {
    const driver = ready();
    expect(identify(driver, 3, 1)).toBe(0);
    const bytes = driver.ram.bytes.subarray(DATA, DATA + 24);
    expect([...bytes.subarray(0, 4)]).toEqual([3, 16, 0, 0]);
    expect([bytes[4 + 6] >> 4, bytes[4 + 8] >> 6]).toEqual([8, 2]);
    expect([...bytes.subarray(20)]).toEqual([0, 0, 0, 0]);
    expect(identify(driver, 3, 2)).toBe(status.invalidNamespace);
  });

  test('any other structure is an invalid field', () => {
    const driver = ready();
    for (const cns of [0x04, 0x06, 0x10, 0xff]) expect(identify(driver, cns)).toBe(status.invalidField);
  });

  test('into a buffer that crosses a page', () => {
    const driver = ready();
    expect(identify(driver, 1, 0, DATA + 0xffc, DATA + 0x5000)).toBe(0);
    expect(driver.ram.view.getUint16(DATA + 0xffc, true)).toBe(0x1234);
    expect(driver.ram.view.getUint32(DATA + 0x5000 + 516 - 4, true)).toBe(1);
  });

  test.each([
    ['a PRP that is no multiple of 4', DATA + 2, 0, status.invalidPrpOffset],
    ['a second PRP amid a page', DATA + 4, DATA + 0x1004, status.invalidPrpOffset],
    ['a PRP behind RAM', RAM, 0, status.dataTransferError],
    ['a second PRP behind RAM', DATA + 4, RAM, status.dataTransferError],
    ['a PRP beyond all memory', 2 ** 53, 0, status.dataTransferError],
  ])('into %s fails', (_, prp1, prp2, expected) => {
    expect(identify(ready(), 1, 0, prp1, prp2)).toBe(expected);
  });
});

describe('every admin command', () => {
  test('of an unknown opcode is invalid, and so are NVM commands on the admin queue', () => {
    const driver = ready();
    const known = [DELETE_SQ, CREATE_SQ, LOG, DELETE_CQ, CREATE_CQ, IDENTIFY, ABORT, SET, GET, ASYNC];
    for (let opcode = 0; opcode < 256; opcode++) {
      if (known.includes(opcode)) continue;
      expect(driver.command(0, { opcode, namespace: 1 }).status).toBe(status.invalidOpcode);
    }
  });

  test('that is fused or uses SGLs has an invalid field', () => {
    const driver = ready();
    for (const flags of [0x01, 0x02, 0x40, 0x80, 0xc3]) {
      expect(driver.command(0, { opcode: GET, flags, dwords: { 10: 7 } }).status).toBe(status.invalidField);
    }
    expect(driver.command(0, { opcode: GET, flags: 0x3c, dwords: { 10: 7 } }).status).toBe(0);
  });
});

describe('Create and Delete I/O queues', () => {
  const create = (
    driver: Driver,
    opcode: number,
    id: number,
    size: number,
    dword11: number,
    prp1 = 0x10000,
  ) =>
    driver.command(0, { opcode, prp1, dwords: { 10: (id | ((size - 1) << 16)) >>> 0, 11: dword11 >>> 0 } })
      .status;

  test.each([
    ['id 0', 0, 16, 3, status.invalidQueueIdentifier],
    ['id 9, behind the last', 9, 16, 3, status.invalidQueueIdentifier],
    ['id 65535', 0xffff, 16, 3, status.invalidQueueIdentifier],
    ['one entry', 1, 1, 3, status.invalidQueueSize],
    ['1025 entries', 1, 1025, 3, status.invalidQueueSize],
    ['65536 entries', 1, 65536, 3, status.invalidQueueSize],
    ['pages here and there', 1, 16, 2, status.invalidField],
    ['vector 9, behind the last', 1, 16, (9 << 16) | 3, status.invalidInterruptVector],
    ['vector 65535', 1, 16, (0xffff << 16) | 3, status.invalidInterruptVector],
    ['id 8, the last', 8, 16, (8 << 16) | 3, 0],
    ['two entries', 1, 2, 3, 0],
    ['1024 entries', 1, 1024, 3, 0],
  ])('a completion queue of %s', (_, id, size, dword11, expected) => {
    expect(create(ready(), CREATE_CQ, id, size, dword11)).toBe(expected);
  });

  test.each([
    ['id 0', 0, 16, 0x10001, status.invalidQueueIdentifier],
    ['id 9', 9, 16, 0x10001, status.invalidQueueIdentifier],
    ['one entry', 2, 1, 0x10001, status.invalidQueueSize],
    ['1025 entries', 2, 1025, 0x10001, status.invalidQueueSize],
    ['pages here and there', 2, 16, 0x10000, status.invalidField],
    ['the admin completion queue', 2, 16, 0x00001, status.invalidQueueIdentifier],
    ['a completion queue that cannot be', 2, 16, 0x90001, status.invalidQueueIdentifier],
    ['a completion queue that is not there', 2, 16, 0x20001, status.completionQueueInvalid],
    ['the completion queue of another', 2, 16, 0x10001, 0],
  ])('a submission queue of %s', (_, id, size, dword11, expected) => {
    const driver = new Driver().start();
    expect(create(driver, CREATE_SQ, id, size, dword11)).toBe(expected);
  });

  test('twice, or amid a page', () => {
    const driver = new Driver().start();
    expect(create(driver, CREATE_CQ, 1, 16, 3)).toBe(status.invalidQueueIdentifier);
    expect(create(driver, CREATE_SQ, 1, 16, 0x10001)).toBe(status.invalidQueueIdentifier);
    expect(create(driver, CREATE_CQ, 2, 16, 3, 0x10010)).toBe(status.invalidPrpOffset);
    expect(create(driver, CREATE_SQ, 2, 16, 0x10001, 0x10800)).toBe(status.invalidPrpOffset);
  });

  test('with other entry sizes in CC', () => {
    for (const sizes of [0, 0x0045 << 16, 0x0056 << 16]) {
      const driver = ready();
      driver.write(CC, 1 | sizes);
      expect(create(driver, CREATE_CQ, 1, 16, 3)).toBe(status.invalidField);
    }
  });

  test('a completion queue is deleted after its submission queues, and neither twice', () => {
    const driver = new Driver().start();
    const remove = (opcode: number, id: number) => driver.command(0, { opcode, dwords: { 10: id } }).status;
    expect(remove(DELETE_CQ, 1)).toBe(status.invalidQueueDeletion);
    expect(remove(DELETE_SQ, 1)).toBe(0);
    expect(remove(DELETE_SQ, 1)).toBe(status.invalidQueueIdentifier);
    expect(remove(DELETE_CQ, 1)).toBe(0);
    expect(remove(DELETE_CQ, 1)).toBe(status.invalidQueueIdentifier);
    for (const opcode of [DELETE_SQ, DELETE_CQ]) {
      expect(remove(opcode, 0)).toBe(status.invalidQueueIdentifier);
    }
    driver.createQueue(1, 8);
    expect(driver.command(1, { opcode: 0, namespace: 1 }).status).toBe(0);
  });

  test.each([
    ['a submission queue', completionsAt(1), RAM],
    ['a completion queue', RAM, submissionsAt(1)],
  ])('%s behind RAM makes the controller fail at the first command', (_, completions, submissions) => {
    const driver = ready();
    expect(create(driver, CREATE_CQ, 1, 16, 3, completions)).toBe(0);
    expect(create(driver, CREATE_SQ, 1, 16, 0x10001, submissions)).toBe(0);
    driver.write(0x1008, 1);
    expect(driver.read(CSTS)).toBe(READY | FATAL);
  });
});

describe('Features', () => {
  const get = (driver: Driver, dword10: number, dword11 = 0) =>
    driver.command(0, { opcode: GET, dwords: { 10: dword10, 11: dword11 } });
  const set = (driver: Driver, dword10: number, dword11: number) =>
    driver.command(0, { opcode: SET, dwords: { 10: dword10, 11: dword11 } });

  test('number of queues: 8 of each, whatever is asked for, while there is no I/O queue', () => {
    const driver = ready();
    for (const asked of [0, 0x000f000f]) {
      expect(set(driver, 7, asked)).toMatchObject({ status: 0, result: 0x00070007 });
    }
    for (const asked of [0xffff, 0xffff0000]) expect(set(driver, 7, asked).status).toBe(status.invalidField);
    driver.createQueue(1, 8);
    expect(set(driver, 7, 0).status).toBe(status.commandSequenceError);
    expect(get(driver, 7)).toMatchObject({ status: 0, result: 0x00070007 });
  });

  test('the mandatory ones are kept, and a controller reset brings them back', () => {
    const driver = ready();
    for (const feature of [0x01, 0x04, 0x05, 0x08, 0x0a, 0x0b]) {
      const before = get(driver, feature).result;
      expect(set(driver, feature, 0x123).status).toBe(0);
      expect(get(driver, feature).result).toBe(0x123);
      driver.enable();
      expect(get(driver, feature).result).toBe(before);
    }
  });

  test('an interrupt vector is of those there are', () => {
    const driver = ready();
    expect(set(driver, 9, 0x10008).status).toBe(0);
    expect(get(driver, 9, 8).result).toBe(0x10008);
    expect(set(driver, 9, 8).status).toBe(0);
    expect(get(driver, 9, 8).result).toBe(8);
    expect([set(driver, 9, 9).status, get(driver, 9, 9).status]).toEqual([
      status.invalidField,
      status.invalidField,
    ]);
  });

  test('the power state is 0, the write cache on or off', () => {
    const driver = ready();
    expect([set(driver, 2, 0).status, set(driver, 2, 1).status]).toEqual([0, status.invalidField]);
    expect(get(driver, 6).result).toBe(1);
    expect(set(driver, 6, 0xfffffffe).status).toBe(0);
    expect(get(driver, 6).result).toBe(0);
  });

  test('unknown ones, saved values and saving are refused', () => {
    const driver = ready();
    for (const feature of [0x00, 0x03, 0x0c, 0x80, 0xff]) {
      expect([get(driver, feature).status, set(driver, feature, 0).status]).toEqual([
        status.invalidField,
        status.invalidField,
      ]);
    }
    for (const select of [1, 2, 3, 7])
      expect(get(driver, 6 | (select << 8)).status).toBe(status.invalidField);
    expect(set(driver, 6 + 2 ** 31, 1).status).toBe(status.featureNotSaveable);
    expect(get(driver, 6).result).toBe(1);
  });
});

describe('Get Log Page', () => {
  const log = (driver: Driver, page: number, dwords: number, { offset = 0, namespace = 0xffffffff } = {}) => {
    const numd = dwords - 1;
    return driver.command(0, {
      opcode: LOG,
      namespace,
      prp1: DATA,
      prp2: DATA + 0x1000,
      dwords: { 10: (page | ((numd & 0xffff) << 16)) >>> 0, 11: numd >>> 16, 12: offset },
    }).status;
  };

  test('errors, the newest first, 16 of them', () => {
    const driver = ready();
    for (let index = 0; index < 17; index++)
      driver.command(0, { opcode: 0xff, id: 100 + index, namespace: 7 });
    expect(log(driver, 1, 256)).toBe(0);
    const { view } = driver.ram;
    expect(view.getUint32(DATA, true)).toBe(17);
    expect(view.getUint16(DATA + 10, true)).toBe(116);
    expect(view.getUint16(DATA + 12, true) >> 1).toBe(status.invalidOpcode);
    expect(view.getUint32(DATA + 24, true)).toBe(7);
    expect(view.getUint32(DATA + 15 * 64, true)).toBe(2);
    expect(log(driver, 1, 16, { offset: 64 })).toBe(0);
    expect(view.getUint32(DATA, true)).toBe(16);
  });

  test('health: what was read, written and went wrong', () => {
    const driver = new Driver().start();
    for (const opcode of [1, 2, 2]) {
      expect(driver.command(1, { opcode, namespace: 1, prp1: 0x8000 }).status).toBe(0);
    }
    driver.command(1, { opcode: 0xff, namespace: 1 });
    expect(log(driver, 2, 128)).toBe(0);
    const at = (offset: number) => driver.ram.view.getBigUint64(DATA + offset, true);
    expect([32, 48, 64, 80, 160, 176].map(at)).toEqual([1n, 1n, 2n, 1n, 0n, 1n]);
    expect(log(driver, 2, 128, { namespace: 0 })).toBe(0);
    expect(log(driver, 2, 128, { namespace: 1 })).toBe(status.invalidField);
    expect(log(driver, 2, 128, { namespace: 2 })).toBe(status.invalidNamespace);
  });

  test('firmware: slot 1', () => {
    const driver = ready();
    expect(log(driver, 3, 128)).toBe(0);
    expect([driver.ram.bytes[DATA], ascii(driver, 8, 8)]).toEqual([1, '1.0     ']);
  });

  test('bounds: page, offset and length', () => {
    const driver = ready();
    driver.ram.bytes.fill(0xee, DATA, DATA + 0x2000);
    expect(log(driver, 3, 256)).toBe(0);
    expect(driver.ram.bytes[DATA + 1023]).toBe(0);
    expect(driver.ram.bytes[DATA + 1024]).toBe(0xee);
    expect(log(driver, 3, 1, { offset: 512 })).toBe(0);
    expect(log(driver, 3, 1, { offset: 516 })).toBe(status.invalidField);
    expect(log(driver, 3, 1, { offset: 2 })).toBe(status.invalidField);
    expect(log(driver, 3, 32769)).toBe(status.invalidField);
    expect(log(driver, 3, 2 ** 32)).toBe(status.invalidField);
    for (const page of [0, 4, 5, 0xff]) expect(log(driver, page, 1)).toBe(status.invalidLogPage);
  });
});

describe('Asynchronous events', () => {
  const hold = (driver: Driver, id: number) => {
    driver.push(0, { opcode: ASYNC, id });
    driver.ring(0);
  };

  test('are held, four at most', () => {
    const driver = ready();
    for (let id = 1; id <= 4; id++) hold(driver, id);
    expect(driver.peek(0)).toEqual([]);
    expect(driver.command(0, { opcode: ASYNC, id: 5 })).toMatchObject({
      id: 5,
      status: status.asyncEventLimitExceeded,
    });
    expect(driver.command(0, { opcode: GET, id: 4, dwords: { 10: 7 } }).status).toBe(
      status.commandIdConflict,
    );
  });

  test.each([
    ['a doorbell of no queue', 0x1010, 1, 0x010000],
    ['a completion doorbell of no queue', 0x1014, 1, 0x010000],
    ['the last doorbell of the page', 0x17fc, 0, 0x010000],
    ['a tail behind the queue', 0x1008, 32, 0x010100],
    ['a tail far behind it', 0x1008, 0xffffffff, 0x010100],
    ['a head behind the queue', 0x100c, 32, 0x010100],
    ['a head of what was not posted', 0x100c, 1, 0x010100],
  ])('tell of %s, once until the log is read', (_, doorbell, value, result) => {
    const driver = new Driver().start();
    hold(driver, 50);
    hold(driver, 51);
    driver.sent();
    driver.write(doorbell, value);
    expect(driver.sent()).toEqual([0x40]);
    expect(driver.take(0)).toMatchObject([{ id: 50, status: 0, result }]);
    driver.write(doorbell, value);
    expect(driver.take(0)).toEqual([]);
    const readLog = (retain: number) =>
      driver.command(0, { opcode: LOG, prp1: DATA, dwords: { 10: 1 | (retain << 15) } }).status;
    expect(readLog(1)).toBe(0);
    driver.write(doorbell, value);
    expect(driver.take(0)).toEqual([]);
    expect(readLog(0)).toBe(0);
    driver.write(doorbell, value);
    expect(driver.take(0)).toMatchObject([{ id: 51, status: 0, result }]);
    expect(driver.command(1, { opcode: 0, namespace: 1 }).status).toBe(0);
  });

  test('that come before a request are told when it comes', () => {
    const driver = ready();
    driver.write(0x1010, 1);
    expect(driver.command(0, { opcode: ASYNC, id: 9 })).toMatchObject({ id: 9, result: 0x010000 });
  });

  test('wait for room in the admin completion queue', () => {
    const driver = new Driver().probe().enable(4);
    hold(driver, 9);
    for (let index = 0; index < 3; index++)
      driver.push(0, { opcode: GET, id: 20 + index, dwords: { 10: 7 } });
    driver.ring(0);
    driver.write(0x1010, 1);
    expect(driver.peek(0).map(({ id }) => id)).toEqual([20, 21, 22]);
    driver.consume(0);
    expect(driver.take(0)).toMatchObject([{ id: 9, result: 0x010000 }]);
  });

  test('Abort ends a held request, and says of all others that it did not', () => {
    const driver = ready();
    hold(driver, 9);
    driver.push(0, { opcode: ABORT, id: 10, dwords: { 10: 9 << 16 } });
    driver.ring(0);
    expect(driver.take(0)).toMatchObject([
      { id: 9, status: status.abortRequested },
      { id: 10, status: 0, result: 0 },
    ]);
    for (const dword10 of [9 << 16, (9 << 16) | 1, 0xffff]) {
      expect(driver.command(0, { opcode: ABORT, dwords: { 10: dword10 } })).toMatchObject({
        status: 0,
        result: 1,
      });
    }
  });

  test('a request is not aborted where only one completion has room', () => {
    const driver = new Driver().probe().enable(2);
    hold(driver, 9);
    expect(driver.command(0, { opcode: ABORT, dwords: { 10: 9 << 16 } })).toMatchObject({
      status: 0,
      result: 1,
    });
    driver.write(0x1010, 1);
    expect(driver.take(0)).toMatchObject([{ id: 9, status: 0 }]);
  });

  test('a controller reset ends them', () => {
    const driver = ready();
    hold(driver, 9);
    driver.write(0x1010, 1);
    driver.take(0);
    hold(driver, 8);
    driver.write(CC, CC_ENABLED & ~1);
    driver.enable();
    driver.write(0x1010, 1);
    expect(driver.peek(0)).toEqual([]);
    expect(driver.command(0, { opcode: ASYNC, id: 8 })).toMatchObject({ id: 8, result: 0x010000 });
  });
});
