import { describe, expect, it } from 'vitest';
import { PhysicalFunction } from '../../../src/hosts/qtest/physical-function.js';

const BAR = 0x10;
const POWER = 0x40;
const EXPRESS = 0x60;
const PMCSR = POWER + 4;
const NO_SOFT_RESET = 8;

/** A function with a BAR of 4 KiB, which a reset clears; what was written to other registers. */
function device({ power, flr, keeps = false }: { power?: number; flr?: boolean; keeps?: boolean }) {
  const view = new DataView(new ArrayBuffer(4096));
  const written: string[] = [];
  view.setUint32(0, 0x1234_1af4, true);
  view.setUint32(BAR, 0xfe00_0000, true);
  view.setUint16(6, 0x10, true);
  view.setUint8(0x34, power === undefined ? EXPRESS : POWER);
  if (power !== undefined) {
    view.setUint16(POWER, 0x6001, true);
    view.setUint16(PMCSR, power, true);
  }
  view.setUint16(EXPRESS, 0x10, true);
  if (flr) view.setUint32(EXPRESS + 4, 1 << 28, true);
  const reset = () => {
    if (!keeps) view.setUint32(BAR, 0, true);
  };
  const fn = new PhysicalFunction(8, {
    size: 4096,
    read: (_, offset, width) =>
      width === 4
        ? view.getUint32(offset, true)
        : width === 2
          ? view.getUint16(offset, true)
          : view.getUint8(offset),
    write: (_, offset, width, value) => {
      if (offset === BAR) {
        view.setUint32(BAR, (value & ~0xfff) >>> 0, true);
        return;
      }
      written.push(`${offset.toString(16)} ${width} ${value.toString(16)}`);
      if (offset === EXPRESS + 8 && value & 0x8000) reset();
      if (offset !== PMCSR) return;
      if ((view.getUint16(PMCSR, true) & 3) === 3 && (value & 3) === 0) reset();
      view.setUint16(PMCSR, value, true);
    },
  });
  return { fn, written, bar: () => view.getUint32(BAR, true) };
}

describe('a reset', () => {
  it('is by device control where that is there, and the BARs are put back', () => {
    const { fn, written, bar } = device({ power: 0, flr: true });
    expect(fn.reset()).toBe(true);
    expect([written, bar()]).toEqual([[`${(EXPRESS + 8).toString(16)} 2 8000`], 0xfe00_0000]);
  });

  it('is by way of D3hot else, and leaves the other bits of PMCSR', () => {
    const { fn, written, bar } = device({ power: 0x100 });
    expect(fn.reset()).toBe(true);
    expect([written, bar()]).toEqual([['44 2 103', '44 2 100'], 0xfe00_0000]);
  });

  it.each([
    ['that D3hot does not reset', { power: NO_SOFT_RESET }],
    ['with neither', {}],
  ])('is not there for a function %s', (_, what) => {
    const { fn, written, bar } = device(what);
    expect(fn.reset()).toBe(false);
    expect([written, bar()]).toEqual([[], 0xfe00_0000]);
  });

  it.each([{ power: 0 }, { flr: true }])('that clears no BAR is none: %o', (what) => {
    const { fn, bar } = device({ ...what, keeps: true });
    expect(fn.reset()).toBe(false);
    expect(bar()).toBe(0xfe00_0000);
  });
});
