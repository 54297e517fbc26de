// A capability whose BIR names no memory BAR, or whose structures leave their BAR, was believed.
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=53859596c0
// What the errata of a device say instead is the embedder's to give: QEMU corrects a PBA of Chelsio's T5.
// https://gitlab.com/qemu-project/qemu/-/blob/master/hw/vfio/pci.c (vfio_msix_early_setup)

import { describe, expect, it } from 'vitest';
import { TraplineError } from '../../src/errors.js';
import type { BarOffset, FunctionDescription } from '../../src/function.js';
import { createDispatcher, hideCapabilities } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { RecordingHost } from '../recording-host.js';
import { all, BAR, description, type Kind, passedThrough } from './kinds.js';

const bars: FunctionDescription['bars'] = [
  { index: 0, type: 'mem64', address: BAR, size: 0x10000 },
  { index: 2, type: 'io', address: 0xe000, size: 0x100 },
  { index: 6, type: 'rom', address: 0xfd000000, size: 0x10000 },
];
/** Good places for 3 entries and their pending bits. */
const places = { table: { bir: 0, offset: 0x4000 }, pba: { bir: 0, offset: 0x8000 } };
const names = ['table', 'pba'] as const;
/** Bytes. */
const sizes = { table: 48, pba: 8 };

/** What `assign` says of a table or PBA, or of both; nothing when it assigns. */
function refusal(
  kind: Kind,
  change: Partial<Record<'table' | 'pba', BarOffset>>,
  policy = policies.strict,
): [string, number] | undefined {
  const { trap, host, calls } = kind.machine(policy);
  const msix = { count: 3, ...places, ...change };
  try {
    trap.assign(kind.description({ ...description, bars, msix }, host));
  } catch (error) {
    if (!(error instanceof TraplineError)) throw error;
    expect(calls()).toEqual([]);
    return [error.code, error.faults.length];
  }
  return undefined;
}

const bogus: [string, BarOffset][] = [
  ['BIR 6, which is reserved', { bir: 6, offset: 0 }],
  ['BIR 7, which is reserved', { bir: 7, offset: 0 }],
  ['the upper half of a 64-bit BAR', { bir: 1, offset: 0 }],
  ['an I/O BAR', { bir: 2, offset: 0 }],
  ['an empty BAR', { bir: 3, offset: 0 }],
  ['wholly past its BAR', { bir: 0, offset: 0xfffffff8 }],
  ['at the end of its BAR', { bir: 0, offset: 0x10000 }],
];

describe.each(all)('$name', (kind) => {
  describe.each(names)('a %s', (name) => {
    it.each(bogus)('in %s is refused', (_name, place) => {
      for (const policy of [policies.strict, policies.xen]) {
        expect(refusal(kind, { [name]: place }, policy)).toEqual(['bad-msix-capability', 1]);
      }
      // The patch that xenV3 is had no such check; a device model has no excuse.
      const accepted = kind.software ? ['bad-msix-capability', 1] : undefined;
      expect(refusal(kind, { [name]: place }, policies.xenV3)).toEqual(accepted);
    });

    it('at the last place in the BAR is taken, 8 bytes further refused', () => {
      const last = 0x10000 - sizes[name];
      for (const policy of [policies.strict, policies.xen]) {
        expect(refusal(kind, { [name]: { bir: 0, offset: last } }, policy)).toBeUndefined();
        const refused = refusal(kind, { [name]: { bir: 0, offset: last + 8 } }, policy);
        expect(refused).toEqual(['bad-msix-capability', 1]);
      }
    });

    it('where no capability can say is misuse', () => {
      for (const place of [
        { bir: 8, offset: 0 },
        { bir: 0, offset: 4 },
        { bir: 0, offset: -8 },
      ]) {
        expect(refusal(kind, { [name]: place }, policies.xenV3)?.[0]).toBe('bad-argument');
      }
    });
  });

  it('both faults are named', () => {
    const both = { table: { bir: 6, offset: 0 }, pba: { bir: 7, offset: 0 } };
    expect(refusal(kind, both)).toEqual(['bad-msix-capability', 2]);
  });
});

it('where a real one is accepted, no guest access fails', () => {
  for (const kind of passedThrough) {
    for (const [name, place] of names.flatMap((name) => bogus.map(([, place]) => [name, place] as const))) {
      const { trap, host, calls } = kind.machine(policies.xenV3);
      const msix = { count: 3, ...places, [name]: place };
      const fn = trap.assign(kind.description({ ...description, bars, msix }, host));
      for (const address of [BAR, BAR + 0x4000, BAR + 0x8000, BAR + 0xffff, 0xe000, place.offset]) {
        trap.write(address, 4, 0);
        trap.read(address, 8);
      }
      fn.writeMessageControl(0x8000);
      expect(calls().filter((call) => call.startsWith('onError'))).toEqual([]);
    }
  }
});

describe('an image with a bogus capability', () => {
  /** MSI-X at 0xb0 with `count` entries, the only capability. */
  function withCapability(count: number, table: number, pba: number): Uint8Array {
    const config = new Uint8Array(256);
    config.set([0x10], 0x06);
    config.set([0xb0], 0x34);
    config.set([0x11, 0x00], 0xb0);
    const view = new DataView(config.buffer);
    view.setUint16(0xb2, count - 1, true);
    view.setUint32(0xb4, table, true);
    view.setUint32(0xb8, pba, true);
    return config;
  }
  function assign(config: Uint8Array, msix?: FunctionDescription['msix'], size = 0x2000) {
    const dispatcher = createDispatcher({ host: new RecordingHost() });
    const bars = [{ index: 4, type: 'mem64', address: BAR, size }] as const;
    return { dispatcher, fn: dispatcher.assign({ sbdf: 8, bars, config, msix, decode: true }) };
  }

  it("that says a PBA past its BAR, as Chelsio's T5 functions do, has the place that the description gives", () => {
    const config = withCapability(3, 0x4, 0x8004);
    expect(() => assign(config)).toThrow(/pba ends at 32776, outside BAR 4 of 8192 bytes/);
    const { dispatcher, fn } = assign(config, {
      count: 3,
      table: { bir: 4, offset: 0 },
      pba: { bir: 4, offset: 0x1000 },
    });
    expect([0xb0, 0xb4, 0xb8].map((offset) => fn.config.read(offset, 4))).toEqual([0x2_0011, 0x4, 0x1004]);
    expect(fn.mapping).toEqual([{ bar: 4, kind: 'trap', guest: BAR, length: 0x2000 }]);
    expect(dispatcher.locate(BAR + 0x1000)?.owner).toBe('pba');
  });

  it('that names an empty BAR decodes memory all the same once the capability is hidden', () => {
    const config = withCapability(1, 0, 0);
    expect(() => assign(config)).toThrow(expect.objectContaining({ code: 'bad-msix-capability' }));
    const { fn } = assign(hideCapabilities(config, [0x11]), undefined, 0x1000);
    expect([fn.msix, fn.decoding, fn.config.read(0x04, 2) & 2]).toEqual([undefined, true, 2]);
    expect(fn.mapping).toEqual([{ bar: 4, kind: 'direct', guest: BAR, host: BAR, length: 0x1000 }]);
  });
});
