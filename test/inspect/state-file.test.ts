import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/guest/machine.js';
import { decodeState, encodeState, type SavedMachine } from '../../src/inspect/state-file.js';

const saved: SavedMachine = {
  setup: { guest: 'linux', memory: 1 << 27, commandLine: 'é', initrd: true, vgaBios: false },
  machine: {
    v86: Uint8Array.of(1, 2, 3, 4, 5).buffer,
    functions: createMachine({ send: () => {} }).dispatcher.save(),
    configAddress: 0x80004010,
    models: { nvme: { queues: [1, 2] } },
  },
  disk: Uint8Array.of(6, 7, 8),
};
const bytes = encodeState(saved);

describe('a state', () => {
  it('comes back as it was', () => {
    expect(decodeState(bytes)).toEqual(saved);
  });

  it('comes back without a disk', () => {
    const without = { ...saved, disk: new Uint8Array(0) };
    expect(decodeState(encodeState(without))).toEqual(without);
  });

  it('is read from the middle of a buffer', () => {
    const larger = new Uint8Array(bytes.length + 24);
    larger.set(bytes, 11);
    expect(decodeState(larger.subarray(11, 11 + bytes.length))).toEqual(saved);
  });
});

describe('what is no state is refused', () => {
  const header = 16 + 4;

  it.each([0, 1, 15, 16, 19])('%i bytes of it', (length) => {
    expect(() => decodeState(bytes.subarray(0, length))).toThrow('not a state of this version');
  });

  it.each([header, header + 1, bytes.length - 8, bytes.length - 1])('cut at %i', (length) => {
    expect(() => decodeState(bytes.subarray(0, length))).toThrow('it is cut, or damaged');
  });

  it('longer than it was', () => {
    expect(() => decodeState(Uint8Array.of(...bytes, 0))).toThrow('it is cut, or damaged');
  });

  it.each([0, 7, 15])('another magic, at %i', (at) => {
    const other = bytes.slice();
    other[at]++;
    expect(() => decodeState(other)).toThrow('not a state of this version');
  });

  it('a header that is no JSON', () => {
    const other = bytes.slice();
    other[header] = 0;
    expect(() => decodeState(other)).toThrow('it is cut, or damaged');
  });

  it.each(['null', '{}', '{"sizes":null}', '{"sizes":{"v86":"1","disk":0}}'])(
    'a header that says %s',
    (text) => {
      const json = new TextEncoder().encode(text);
      const other = new Uint8Array(header + json.length);
      other.set(bytes.subarray(0, header));
      new DataView(other.buffer).setUint32(16, json.length, true);
      other.set(json, header);
      expect(() => decodeState(other)).toThrow('it is cut, or damaged');
    },
  );
});
