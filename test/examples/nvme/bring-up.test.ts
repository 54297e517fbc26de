import { UNCLAIMED } from 'trapline';
import { describe, expect, test } from 'vitest';
import { PBA, TABLE } from '../../../examples/nvme/nvme.js';
import { ACQ, AQA, ASQ, BAR, CAP, CC, CC_ENABLED, CSTS, Driver, FATAL, READY, VS } from './driver.js';

describe('the function', () => {
  test('is found by its class, is 8 KiB large, and can be placed above 4 GiB', () => {
    const { nvme, dispatcher } = new Driver();
    const { config } = nvme.fn;
    expect(config.read(0x08, 4) >>> 8).toBe(0x010802);
    config.write(0x10, 4, 0xffffffff);
    config.write(0x14, 4, 0xffffffff);
    expect(config.read(0x10, 4)).toBe(0xffffe004);
    expect(config.read(0x14, 4)).toBe(0xffffffff);
    config.write(0x10, 4, 0x40000000);
    config.write(0x14, 4, 0x10);
    config.write(0x04, 2, 2);
    expect(dispatcher.read(0x1040000000 + VS, 4)).toBe(0x00010400);
    expect(dispatcher.read(BAR + VS, 4)).toBe(UNCLAIMED);
  });

  test('has PCI Express, power management and MSI-X in its capability list', () => {
    const { config } = new Driver().nvme.fn;
    const ids: number[] = [];
    for (let at = config.read(0x34, 1); at !== 0; at = config.read(at + 1, 1)) ids.push(config.read(at, 1));
    expect(ids.sort((a, b) => a - b)).toEqual([0x01, 0x10, 0x11]);
    expect(config.read(0x84, 4)).toBe(TABLE);
    expect(config.read(0x88, 4)).toBe(PBA);
    expect(config.read(0x82, 2)).toBe(8);
  });

  test('traps both of its pages: none is mapped directly', () => {
    const { nvme } = new Driver().probe();
    expect(nvme.fn.mapping).toEqual([{ bar: 0, kind: 'trap', guest: BAR, length: 0x2000 }]);
  });
});

describe('controller registers', () => {
  test('CAP says what the controller can, in one access or two', () => {
    const driver = new Driver().probe();
    const cap = driver.dispatcher.readBig(BAR + CAP) ?? 0n;
    expect(cap & 0xffffn).toBe(1023n); // MQES
    expect((cap >> 16n) & 1n).toBe(1n); // CQR
    expect((cap >> 24n) & 0xffn).toBe(10n); // TO
    expect((cap >> 32n) & 0xfn).toBe(0n); // DSTRD
    expect((cap >> 37n) & 0xffn).toBe(1n); // CSS
    expect((cap >> 48n) & 0xffn).toBe(0n); // MPSMIN, MPSMAX
    expect(BigInt(driver.read(CAP)) | (BigInt(driver.read(CAP + 4)) << 32n)).toBe(cap);
    driver.write(CAP, 0);
    driver.write(VS, 0);
    expect(driver.dispatcher.readBig(BAR + CAP)).toBe(cap);
    expect(driver.read(VS)).toBe(0x00010400);
  });

  test('queue bases keep their page-aligned bits, written in one access or two', () => {
    const driver = new Driver().probe();
    driver.dispatcher.write(BAR + ASQ, 8, 0x12345fff, 0x7);
    driver.write(ACQ, 0xffffffff);
    driver.write(ACQ + 4, 0x9);
    driver.write(AQA, 0xffffffff);
    expect(driver.dispatcher.readBig(BAR + ASQ)).toBe(0x712345000n);
    expect(driver.dispatcher.readBig(BAR + ACQ)).toBe(0x9fffff000n);
    expect(driver.read(AQA)).toBe(0x0fff0fff);
  });

  test('INTMS sets and INTMC clears the same mask', () => {
    const driver = new Driver().probe();
    driver.write(0x0c, 0x80000003);
    driver.write(0x10, 0x1);
    expect([driver.read(0x0c), driver.read(0x10)]).toEqual([0x80000002, 0x80000002]);
  });

  test('writes narrower than a register do nothing', () => {
    const driver = new Driver().probe();
    driver.dispatcher.write(BAR + AQA, 1, 0xff);
    driver.dispatcher.write(BAR + AQA, 2, 0xffff);
    driver.dispatcher.write(BAR + AQA + 1, 4, 0xffff);
    expect(driver.read(AQA)).toBe(0);
  });

  test('doorbells and what is behind the structures read 0', () => {
    const driver = new Driver().start();
    for (const offset of [0x1000, 0x1004, 0x1010, 0x17fc, TABLE + 16 * 9, PBA + 16, 0x1ffc, 0x40, 0xffc]) {
      driver.write(offset, TABLE < offset ? 0xffffffff : 0);
      expect(driver.read(offset), offset.toString(16)).toBe(0);
    }
  });
});

describe('enabling', () => {
  test('makes the controller ready, disabling it unready', () => {
    const driver = new Driver().probe();
    expect(driver.read(CSTS)).toBe(0);
    driver.enable();
    expect(driver.read(CSTS)).toBe(READY);
    expect(driver.read(CC)).toBe(CC_ENABLED);
    driver.write(CC, 0);
    expect(driver.read(CSTS)).toBe(0);
  });

  test.each([
    ['another command set', CC_ENABLED | (1 << 4), 0x001f001f],
    ['larger memory pages', CC_ENABLED | (1 << 7), 0x001f001f],
    ['another arbitration', CC_ENABLED | (1 << 11), 0x001f001f],
    ['an admin submission queue of one entry', CC_ENABLED, 0x001f0000],
    ['an admin completion queue of one entry', CC_ENABLED, 0x0000001f],
  ])('with %s fails, until it is reset', (_, cc, aqa) => {
    const driver = new Driver().probe();
    driver.write(AQA, aqa);
    driver.write(CC, cc);
    expect(driver.read(CSTS)).toBe(FATAL);
    driver.write(CC, 0);
    expect(driver.read(CSTS)).toBe(0);
    expect(driver.enable().read(CSTS)).toBe(READY);
  });

  test('a controller reset keeps AQA, ASQ and ACQ; a function-level reset does not', () => {
    const driver = new Driver().probe().enable();
    const registers = () => [AQA, ASQ, ACQ].map((offset) => driver.read(offset));
    const before = registers();
    driver.write(CC, 0);
    expect(registers()).toEqual(before);
    driver.nvme.fn.config.write(0x48, 2, 0x8000);
    driver.nvme.fn.config.write(0x10, 4, BAR);
    driver.nvme.fn.config.write(0x04, 2, 6);
    expect(registers()).toEqual([0, 0, 0]);
  });

  test('commands submitted before a reset are forgotten by it', () => {
    const driver = new Driver().start(4);
    // The completion queue of 4 takes 3; the rest of them waits.
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 3; index++) driver.push(1, { opcode: 0, namespace: 1 });
      driver.ring(1);
    }
    expect(driver.peek(1)).toHaveLength(3);
    driver.enable();
    driver.createQueue(1, 4);
    expect(driver.peek(1)).toEqual([]);
    expect(driver.command(1, { opcode: 0, namespace: 1 }).status).toBe(0);
  });

  test('a normal and an abrupt shutdown flush and complete at once', () => {
    for (const how of [1, 2]) {
      let flushed = 0;
      const storage = { blocks: 8, read() {}, write() {}, flush: () => void flushed++ };
      const driver = new Driver({ storage }).probe().enable();
      driver.write(CC, CC_ENABLED | (how << 14));
      expect(driver.read(CSTS)).toBe(READY | (2 << 2));
      expect(flushed).toBe(1);
      driver.write(CC, CC_ENABLED | (how << 14));
      expect(flushed).toBe(1);
      driver.write(CC, 0);
      expect(driver.read(CSTS)).toBe(0);
    }
  });

  test('a storage that fails to flush does not keep a shutdown from completing', () => {
    const flush = () => {
      throw new Error('worn out');
    };
    const driver = new Driver({ storage: { blocks: 8, read() {}, write() {}, flush } }).probe().enable();
    driver.write(CC, CC_ENABLED | (1 << 14));
    expect(driver.read(CSTS)).toBe(READY | (2 << 2));
    expect(driver.errors).toEqual([new Error('worn out')]);
  });
});

describe('without bus mastering', () => {
  test('the first command makes the controller fail, and RAM is not touched', () => {
    const driver = new Driver().probe().enable();
    driver.nvme.fn.config.write(0x04, 2, 2);
    driver.push(0, { opcode: 6, prp1: 0x1000, dwords: { 10: 1 } });
    driver.ring(0);
    expect(driver.read(CSTS)).toBe(READY | FATAL);
    expect([driver.ram.reads, driver.ram.writes]).toEqual([[], []]);
    driver.nvme.fn.config.write(0x04, 2, 6);
    driver.ring(0);
    expect(driver.peek(0)).toEqual([]);
    driver.enable();
    expect(driver.command(0, { opcode: 6, prp1: 0x1000, dwords: { 10: 1 } }).status).toBe(0);
  });
});
