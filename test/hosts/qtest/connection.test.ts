import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Width } from '../../../src/access.js';
import { Qtest, QtestError } from '../../../src/hosts/qtest.js';
import { Peer } from './peer.js';

const caught = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('a connection', () => {
  let peer: Peer;
  let qtest: Qtest;
  beforeAll(() => {
    peer = new Peer().start();
    qtest = new Qtest(peer.path);
    qtest.command('lines');
  });
  afterAll(() => peer.close());
  const sent = () => JSON.parse(qtest.command('lines'));

  it.each<[Width, string, string, number, number]>([
    [1, 'b', '0x81', 0x81, 0],
    [2, 'w', '0x8182', 0x8182, 0],
    [4, 'l', '0x81828384', 0x81828384, 0],
    [8, 'q', '0x8182838491929394', 0x91929394, 0x81828384],
  ])('writes and reads %d bytes', (width, letter, text, low, high) => {
    const read = new Uint32Array(1);
    qtest.write(0x1000, width, low, high);
    expect([qtest.read(0x1000, width, read), read[0]]).toEqual([low, high]);
    expect(sent()).toEqual([`write${letter} 0x1000 ${text}`, `read${letter} 0x1000`]);
  });

  it('takes signed lanes, and fills up the low one', () => {
    qtest.write(0x2000, 4, -1);
    qtest.write(0x2000, 8, 1, -2);
    expect(sent()).toEqual(['writel 0x2000 0xffffffff', 'writeq 0x2000 0xfffffffe00000001']);
  });

  it.each([
    [1, 0xf1],
    [2, 0xf1f2],
    [4, 0xf1f2f3f4],
  ] as const)('accesses ports with %d bytes', (width, value) => {
    expect(qtest.readPort(0xcfc, width)).toBe(value);
    qtest.writePort(0xcf8, width, value);
    const letter = { 1: 'b', 2: 'w', 4: 'l' }[width];
    expect(sent()).toEqual([`in${letter} 0xcfc`, `out${letter} 0xcf8 0x${value.toString(16)}`]);
  });

  it.each([0, 1, 1023, 1024, 1025, 4096])(
    'writes and reads %d bytes of memory, a line within PIPE_BUF',
    (length) => {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);
      qtest.writeMemory(0x3000, bytes);
      expect(qtest.readMemory(0x3000, length)).toEqual(bytes);
      const lines: string[] = sent();
      expect(lines.length).toBe(2 * Math.ceil(length / 1024));
      for (const line of lines) expect(line.length).toBeLessThan(4096);
    },
  );

  it('passes over interrupts', () => {
    expect(qtest.command('answer-after-interrupts')).toBe('0x12');
    expect(qtest.command('answer-in-parts')).toBe('0x34');
  });

  it('goes on after a refusal', () => {
    expect(() => qtest.command('bogus')).toThrow(
      new QtestError(`qtest: "bogus": FAIL Unknown command 'bogus'`),
    );
    expect(() => qtest.command('answer-what-is-none')).toThrow('qtest: "answer-what-is-none": what?');
    expect(qtest.command('answer-in-parts')).toBe('0x34');
  });
});

describe('a connection that fails', () => {
  let peer: Peer;
  afterEach(() => peer.close());

  /** Its error, which is that of every command from then on. */
  function failureOf(qtest: Qtest, work: () => unknown): string {
    const error = caught(work);
    expect(error).toBeInstanceOf(QtestError);
    expect([caught(() => qtest.read(0, 4)), caught(() => qtest.writePort(0, 1, 0))]).toEqual([error, error]);
    expect(caught(() => qtest.read(0, 4))).toBe(error);
    return (error as Error).message.replace(peer.path, 'q');
  }

  it('says that QEMU has ended within a command', () => {
    peer = new Peer().start();
    const qtest = new Qtest(peer.path);
    expect(failureOf(qtest, () => qtest.command('end'))).toBe('q: QEMU has ended');
  });

  it('says that QEMU has ended before a command', async () => {
    peer = new Peer().start();
    const qtest = new Qtest(peer.path);
    const ended = new Promise((resolve) => peer.process!.on('exit', resolve));
    peer.process!.kill('SIGKILL');
    await ended;
    expect(failureOf(qtest, () => qtest.read(0, 4))).toBe('q: QEMU has ended');
  });

  it('says what was not answered', () => {
    peer = new Peer().start();
    // The peer is there then, however long it took to start.
    new Qtest(peer.path).close();
    const qtest = new Qtest(peer.path, { timeout: 1000 });
    expect(failureOf(qtest, () => qtest.command('answer-nothing'))).toBe(
      'q: no answer to "answer-nothing" within 1000 ms',
    );
  });

  it('says what was not read', () => {
    peer = new Peer().start();
    new Qtest(peer.path).close();
    const qtest = new Qtest(peer.path, { timeout: 1000 });
    peer.process!.kill('SIGSTOP');
    const long = 'x'.repeat(200_000);
    expect(failureOf(qtest, () => qtest.command(long))).toBe(
      `q: "${'x'.repeat(60)}..." is not read within 1000 ms`,
    );
  });

  it('says that it was closed', () => {
    peer = new Peer().start();
    const qtest = new Qtest(peer.path);
    qtest.close();
    qtest.close();
    expect(failureOf(qtest, () => qtest.read(0, 4))).toBe('q: closed');
  });
});

describe('a connection cannot be made', () => {
  let peer: Peer;
  afterEach(() => peer.close());
  const failure = () =>
    (caught(() => new Qtest(peer.path, { timeout: 300 })) as Error).message.replace(peer.path, 'q');

  it('where QEMU does not open its end', () => {
    peer = new Peer();
    expect(failure()).toBe('q: QEMU does not open its end within 300 ms');
  });

  it.each(['in', 'out'])('without the FIFO .%s', (end) => {
    peer = new Peer();
    rmSync(`${peer.path}.${end}`);
    expect(failure()).toContain('q: ENOENT');
  });

  it.each(['in', 'out'])('where .%s is no FIFO', (end) => {
    peer = new Peer();
    rmSync(`${peer.path}.${end}`);
    writeFileSync(`${peer.path}.${end}`, 'OK little\n');
    expect(failure()).toBe(`q.${end} is no FIFO`);
  });

  it('to a big endian machine', () => {
    peer = new Peer().start('big');
    const error = caught(() => new Qtest(peer.path)) as Error;
    expect(error.message).toBe(`${peer.path}: a big endian machine is not supported`);
  });
});
