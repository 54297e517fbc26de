import { expect, it } from 'vitest';
import { EPOCH, GENERATION } from '../../assembly/layout.js';
import { policies } from '../../src/policy.js';
import type { OwningCore } from '../../src/shared/core.js';
import { attach, createDispatcher } from '../../src/shared.js';
import { described } from './described.js';

const BAR = 0xfe000000;
const ADJACENT = 0x800;

it.each(['strict', 'xen', 'xenV3'] as const)(
  'pages dropped while a worker passes an entry are mapped anew: policy %s',
  (policy) => {
    let filled = 1;
    const host = { mapPage: () => new Uint8Array(4096).fill(filled) };
    const dispatcher = createDispatcher({ shared: true, host, policy: policies[policy] });
    const fn = dispatcher.assign(described(8, BAR));
    const view = attach(dispatcher.share(), { host });
    expect(view.read(BAR + ADJACENT, 4)).toBe(0x01010101);
    filled = 2;
    const core = Reflect.get(dispatcher, 'core') as OwningCore;
    const { raiseEpoch } = core;
    core.raiseEpoch = () => {
      const epoch = raiseEpoch.call(core);
      view.read(0, 4);
      return epoch;
    };
    fn.reset();
    fn.setDecode(true);
    core.raiseEpoch = raiseEpoch;
    expect(view.read(BAR + ADJACENT, 4)).toBe(0x02020202);
  },
);

it.each([1, 0x7fffffff, 0xfffffffe, 0xffffffff])(
  'GENERATION is the EPOCH of the drop, after %i too',
  (epoch) => {
    const dispatcher = createDispatcher({ shared: true, host: { mapPage: () => null } });
    const fn = dispatcher.assign(described(8, BAR));
    const core = Reflect.get(dispatcher, 'core') as OwningCore;
    core.words[EPOCH / 4] = epoch;
    const record = core.records.of(fn.sbdf);
    core.raiseGeneration(record);
    expect([core.word(record + GENERATION), core.word(EPOCH)]).toEqual([
      (epoch + 1) >>> 0 || 1,
      (epoch + 1) >>> 0 || 1,
    ]);
  },
);
