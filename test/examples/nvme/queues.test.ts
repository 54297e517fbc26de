import { describe, expect, test } from 'vitest';
import { PBA } from '../../../examples/nvme/nvme.js';
import { BAR, completionsAt, Driver, submissionsAt } from './driver.js';

const flush = (id: number) => ({ opcode: 0, namespace: 1, id });

describe('queues', () => {
  test.each([2, 3, 8, 1024])('of %i entries wrap, and the phase inverts with each wrap', (size) => {
    const driver = new Driver().start(size);
    for (let index = 0; index < 3 * size + 1; index++) {
      expect(driver.command(1, flush(index & 0xffff))).toEqual({
        id: index & 0xffff,
        status: 0,
        result: 0,
        head: (index + 1) % size,
        queue: 1,
      });
      const phase = driver.ram.view.getUint16(completionsAt(1) + 16 * (index % size) + 14, true) & 1;
      expect(phase).toBe(Math.floor(index / size) % 2 === 0 ? 1 : 0);
    }
  });

  test('a full submission queue is executed in order by one ring, with one interrupt', () => {
    const driver = new Driver().start(8);
    for (let id = 1; id <= 7; id++) driver.push(1, flush(id));
    expect(driver.peek(1)).toEqual([]);
    driver.ring(1);
    expect(driver.take(1).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(driver.sent()).toEqual([0x41]);
  });

  test('with the completion queue full, commands wait for its head to move', () => {
    const driver = new Driver().start(4);
    for (const ids of [
      [1, 2, 3],
      [4, 5, 6],
    ]) {
      for (const id of ids) driver.push(1, flush(id));
      driver.ring(1);
    }
    driver.sent();
    expect(driver.peek(1).map(({ id }) => id)).toEqual([1, 2, 3]);
    driver.write(0x100c, 1);
    expect(driver.peek(1).map(({ id }) => id)).toEqual([4]);
    driver.consume(1);
    expect(driver.take(1).map(({ id }) => id)).toEqual([5, 6]);
    expect(driver.sent()).toEqual([0x41, 0x41]);
  });

  test('entries that were submitted cannot be taken back', () => {
    const driver = new Driver().start(4);
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 3; index++) driver.push(1, flush(10 * round + index));
      driver.ring(1);
    }
    // Head 3, tail 2 with a full completion queue: 3 entries wait.
    driver.write(0x1008, 0);
    driver.peek(1);
    driver.consume(1);
    expect(driver.take(1).map(({ id }) => id)).toEqual([10, 11, 12]);
  });

  test('ringing with the same tail again executes nothing', () => {
    const driver = new Driver().start();
    driver.command(1, flush(1));
    driver.ring(1);
    expect(driver.peek(1)).toEqual([]);
  });

  test('two submission queues may share a completion queue, whose entries say whose they are', () => {
    const driver = new Driver().start();
    const created = driver.command(0, {
      opcode: 1,
      prp1: submissionsAt(2),
      dwords: { 10: 2 | (7 << 16), 11: (1 << 16) | 1 },
    });
    expect(created.status).toBe(0);
    driver.open(2, 8);
    for (const id of [1, 2]) {
      driver.push(id, flush(70 + id));
      driver.ring(id);
    }
    expect(driver.take(1)).toMatchObject([
      { id: 71, queue: 1 },
      { id: 72, queue: 2 },
    ]);
  });

  test('a disabled controller ignores doorbells', () => {
    const driver = new Driver().start();
    driver.write(0x14, 0);
    driver.push(1, flush(1));
    driver.ring(1);
    driver.write(0x1010, 5);
    expect(driver.peek(1)).toEqual([]);
    driver.enable();
    driver.push(0, { opcode: 0x0c });
    driver.ring(0);
    expect(driver.peek(0)).toEqual([]);
  });

  test('doorbells are written by dwords, two at once, or not at all', () => {
    const driver = new Driver().start();
    driver.push(1, flush(1));
    driver.dispatcher.write(BAR + 0x1008, 1, 1);
    driver.dispatcher.write(BAR + 0x1008, 2, 1);
    expect(driver.peek(1)).toEqual([]);
    driver.dispatcher.write(BAR + 0x1008, 8, 1, 0);
    expect(driver.peek(1).map(({ id }) => id)).toEqual([1]);
  });
});

describe('interrupts', () => {
  test('go to the vector of the completion queue', () => {
    const driver = new Driver().start();
    for (const id of [2, 8]) driver.createQueue(id, 4);
    driver.sent();
    for (const id of [8, 1, 2]) driver.command(id, flush(id));
    driver.command(0, { opcode: 0x0a, dwords: { 10: 7 } });
    expect(driver.sent()).toEqual([0x48, 0x41, 0x42, 0x40]);
  });

  test('are pending while their vector is masked, and sent once when it is not', () => {
    const driver = new Driver().start();
    driver.mask(1, true);
    for (const id of [1, 2, 3]) driver.command(1, flush(id));
    expect(driver.sent()).toEqual([]);
    expect(driver.dispatcher.readBig(BAR + PBA)).toBe(2n);
    driver.mask(1, false);
    expect(driver.sent()).toEqual([0x41]);
    expect(driver.dispatcher.readBig(BAR + PBA)).toBe(0n);
  });

  test('of a deleted queue or of one before a reset are over', () => {
    for (const end of ['delete', 'reset'] as const) {
      const driver = new Driver().start();
      driver.mask(1, true);
      driver.command(1, flush(1));
      if (end === 'reset') driver.write(0x14, 0);
      else for (const opcode of [0, 4]) driver.command(0, { opcode, dwords: { 10: 1 } });
      driver.sent();
      driver.mask(1, false);
      expect(driver.sent()).toEqual([]);
    }
  });

  test('are off for a completion queue that was created so', () => {
    const driver = new Driver().start();
    const pair = 2 | (7 << 16);
    driver.command(0, { opcode: 5, prp1: completionsAt(2), dwords: { 10: pair, 11: (2 << 16) | 1 } });
    driver.command(0, { opcode: 1, prp1: submissionsAt(2), dwords: { 10: pair, 11: (2 << 16) | 1 } });
    driver.open(2, 8);
    driver.sent();
    expect(driver.command(2, flush(1)).status).toBe(0);
    expect(driver.sent()).toEqual([]);
  });
});
