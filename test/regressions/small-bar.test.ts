// A device model had a BAR of 2 bytes, of which the register's 4 low bits cannot tell: 16 is the least.
// https://github.com/cloud-hypervisor/cloud-hypervisor/pull/5956

import { describe, expect, it } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import { UNCLAIMED, type Width } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { RecordingHost } from '../recording-host.js';
import { all, description } from './kinds.js';

/** Neither its page's start nor its end. */
const AT = 0xfe000ab0;
const small = (size: number) => [{ index: 0, type: 'mem32', address: AT, size }] as const;

describe.each(all)('$name', (kind) => {
  it.each([1, 2, 4, 8, 15, 17, 24])('a BAR of %i bytes is refused', (size) => {
    for (const policy of Object.values(policies)) {
      const { trap, host } = kind.machine(policy);
      const described = kind.description({ ...description, msix: undefined, bars: small(size) }, host);
      expect(() => trap.assign(described)).toThrow(/multiple of 16|units of 16/);
    }
  });
});

describe('a BAR of 16 bytes', () => {
  const start = () => {
    const host = new RecordingHost();
    const dispatcher = createDispatcher({ host, trapAll: true });
    const fn = dispatcher.assign({ sbdf: 8, bars: small(16), decode: true });
    host.take();
    return { host, dispatcher, fn };
  };

  it('sizes as such and keeps its place', () => {
    const { fn } = start();
    fn.config.write(0x04, 2, 0);
    fn.config.write(0x10, 4, 0xffffffff);
    expect(fn.config.read(0x10, 4)).toBe(0xfffffff0);
    fn.config.write(0x10, 4, AT);
    expect(fn.config.read(0x10, 4)).toBe(AT);
  });

  it('is answered by the offset in its page, at every width, and nobody has the rest of the page', () => {
    const { host, dispatcher } = start();
    for (const width of [1, 2, 4, 8] as Width[]) {
      for (let offset = 0; offset < 16; offset += width) {
        dispatcher.read(AT + offset, width);
        expect(host.take().at(-1)).toBe(`read fe000000 ${0xab0 + offset} ${width}`);
      }
    }
    for (let offset = 0; offset < 0x1000; offset++) {
      if (offset >= 0xab0 && offset < 0xac0) continue;
      expect([0xff, UNCLAIMED]).toContain(dispatcher.read(0xfe000000 + offset, 1));
    }
    expect(host.take()).toEqual([]);
  });
});
