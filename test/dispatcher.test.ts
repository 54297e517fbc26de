import { describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../src/access.js';
import { createDispatcher, type DispatcherOptions } from '../src/dispatcher.js';
import { policies } from '../src/policy.js';
import { MemoryHost } from './memory-host.js';
import { BAR, nvmeLike, TABLE } from './nvme-like.js';

const host = new MemoryHost();

describe('createDispatcher refuses', () => {
  const wrong: [string, Partial<Record<keyof DispatcherOptions, unknown>>, RegExp][] = [
    ['no host', { host: undefined }, /host has no method mapPage/],
    ['a host without mapPage', { host: {} }, /host has no method mapPage/],
    ['another domain', { domain: 'dom0' }, /domain dom0 is not hardware or guest/],
    ['a policy of its own', { policy: { ...policies.strict } }, /policy is not one of/],
    ['too little memory', { memoryLimit: 65536 }, /memoryLimit 65536 is not in \[524288, 2\^32\]/],
    ['memory without end', { memoryLimit: Number.POSITIVE_INFINITY }, /memoryLimit Infinity/],
    ['memory that is no number', { memoryLimit: Number.NaN }, /memoryLimit NaN/],
  ];
  it.each(wrong)('%s', (_name, options, message) => {
    const create = () => createDispatcher({ host, ...options } as DispatcherOptions);
    expect(create).toThrow(expect.objectContaining({ code: 'bad-argument' }));
    expect(create).toThrow(message);
  });
});

describe('callbacks that throw', () => {
  it('a diagnostic’s error goes to onError, and the access is answered', () => {
    const errors: unknown[] = [];
    const dispatcher = createDispatcher({
      host,
      diagnosticLimit: 'none',
      onDiagnostic: ({ code }) => {
        throw new Error(code);
      },
      onError: (error) => errors.push(`${error}`),
    });
    dispatcher.assign(nvmeLike);
    expect(dispatcher.read(TABLE, 1)).toBe(0xff);
    expect(errors).toEqual(['Error: bad-size']);
  });

  it('an error of onError goes nowhere', () => {
    const thrown = () => {
      throw new Error('again');
    };
    const dispatcher = createDispatcher({ host, onDiagnostic: thrown, onError: thrown });
    dispatcher.assign(nvmeLike);
    expect(dispatcher.read(TABLE, 1)).toBe(0xff);
  });
});

describe('a dispatcher', () => {
  it('reads and writes 8 bytes as lanes and as bigint', () => {
    const dispatcher = createDispatcher({ host });
    dispatcher.assign(nvmeLike);
    expect(dispatcher.writeBig(TABLE, 0xfedcba98_76543210n)).toBe(true);
    expect([dispatcher.read(TABLE, 8), dispatcher.high]).toEqual([0x76543210, 0xfedcba98]);
    expect(dispatcher.write(TABLE + 0x400, 8, 0xffffffff, 0x80000000)).toBe(true);
    expect(dispatcher.readBig(TABLE + 0x400)).toBe(0x80000000_ffffffffn);
    expect(dispatcher.writeBig(TABLE, -1n)).toBe(true);
    expect(dispatcher.readBig(TABLE)).toBe(0xffffffff_ffffffffn);
    expect(dispatcher.readBig(0)).toBeUndefined();
    expect(dispatcher.writeBig(0, 0n)).toBe(false);
  });

  it('tells unclaimed from every value', () => {
    const dispatcher = createDispatcher({ host });
    dispatcher.assign(nvmeLike);
    dispatcher.write(TABLE, 4, 0xffffffff);
    expect(dispatcher.read(TABLE, 4)).toBe(0xffffffff);
    expect(dispatcher.read(TABLE, 1)).toBe(0xff);
    expect(dispatcher.read(BAR, 4)).toBe(UNCLAIMED);
    expect(dispatcher.high).toBe(0xffffffff);
  });

  it.each([undefined, null, '4', 5n, {}, Symbol('address'), Number.NaN])(
    'takes %s for an address',
    (address) => {
      const dispatcher = createDispatcher({ host });
      expect(dispatcher.read(address as number, 4)).toBe(UNCLAIMED);
      expect(dispatcher.write(address as number, 4, 0)).toBe(false);
    },
  );

  it('allocates nothing for an access of up to 4 bytes', () => {
    const dispatcher = createDispatcher({ host });
    dispatcher.assign(nvmeLike);
    const addresses = [TABLE, TABLE + 0x400, TABLE + 0x401, TABLE + 0x800, TABLE + 0x1000, BAR];
    const round = (count: number) => {
      let sum = 0;
      for (let index = 0; index < count; index++) {
        const address = addresses[index % 6];
        const width = (1 << (index % 3)) as Width;
        sum ^= dispatcher.read(address, width);
        if (dispatcher.write(address, width, 0x80000000 | index)) sum++;
      }
      return sum;
    };
    for (let warm = 0; warm < 20; warm++) round(100_000);
    const before = process.memoryUsage().heapUsed;
    for (let rounds = 0; rounds < 100; rounds++) round(100_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 << 20);
  });
});
