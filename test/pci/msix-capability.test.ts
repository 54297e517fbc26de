import { describe, expect, it } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import type { FunctionDescription } from '../../src/function.js';
import { capabilities } from '../../src/pci/capabilities.js';
import { readMsix, withMsix } from '../../src/pci/msix-capability.js';
import { RecordingHost } from '../recording-host.js';

const layout = { count: 33, table: { bir: 2, offset: 0x1000 }, pba: { bir: 4, offset: 0x2008 } };
const bars = [2, 4].map((index) => ({
  index,
  type: 'mem32' as const,
  address: 0xfe00_0000 + index * 0x1_0000,
  size: 0x4000,
}));

/** An image with these capability ids at 0x40, 0x50 and so on. */
function image(...ids: number[]): Uint8Array {
  const bytes = new Uint8Array(256);
  if (ids.length > 0) bytes.set([0x10], 6);
  if (ids.length > 0) bytes.set([0x40], 0x34);
  for (const [index, id] of ids.entries()) {
    const at = 0x40 + 0x10 * index;
    bytes.set([id, index + 1 < ids.length ? at + 0x10 : 0], at);
  }
  return bytes;
}

describe('a layout put into an image', () => {
  it.each([
    ['none', image(), 0x60, [0x11]],
    ['other capabilities', image(1, 5), 0x80, [0x11, 1, 5]],
    ['an MSI-X capability', image(1, 0x11, 5), 0x50, [1, 0x11, 5]],
  ])('that has %s is read from it again', (_name, bytes, capability, ids) => {
    const made = withMsix(bytes, { ...layout, capability });
    expect(readMsix(made)).toEqual({ ...layout, capability });
    const { standard, faults } = capabilities(made);
    expect([standard.map(({ id }) => id), faults]).toEqual([ids, []]);
  });

  it('leaves the image and the other bits of Message Control', () => {
    const bytes = image(0x11);
    bytes.set([0xff, 0xff], 0x42);
    const before = bytes.slice();
    const made = withMsix(bytes, { ...layout, capability: 0x40 });
    expect(bytes).toEqual(before);
    expect(new DataView(made.buffer).getUint16(0x42, true)).toBe(0xf820);
  });
});

describe('a function', () => {
  const assigned = (description: Partial<FunctionDescription>) => {
    const host = new RecordingHost();
    return { host, fn: createDispatcher({ host }).assign({ sbdf: 8, bars, ...description }) };
  };

  it('has the layout of its image where it is given none', () => {
    const { fn } = assigned({ config: withMsix(image(1, 0x11), { ...layout, capability: 0x50 }) });
    expect(fn.msix).toEqual({ ...layout, capability: 0x50 });
  });

  it.each([
    ['its image', { config: image(1, 0x11) }, 0x50],
    ['the description', { msix: { ...layout, capability: 0x90 } }, 0x90],
    ['nobody', {}, 0x60],
  ])('has Message Control where %s says, on the host too', (_name, change, at) => {
    const { host, fn } = assigned({ msix: layout, ...change });
    expect(fn.msix?.capability).toBe(at);
    expect([fn.config.read(at, 1), fn.config.read(at + 4, 4), fn.config.read(at + 8, 4)]).toEqual([
      0x11, 0x1002, 0x200c,
    ]);
    fn.config.write(at + 3, 1, 0x80);
    expect(fn.messageControl).toBe(0x8020);
    expect(host.take()).toContain(`config 8 ${(at + 2).toString(16)} 8020`);
  });
});
