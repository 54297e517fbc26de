import { describe, expect, it } from 'vitest';
import { checksums, mustAgree } from '../../bench/checks.js';
import { LinearList } from '../../bench/rivals/linear-list.js';
import { MapOfPages } from '../../bench/rivals/map-of-pages.js';
import { MsixDevice } from '../../bench/rivals/msix-device.js';
import { SortedRanges } from '../../bench/rivals/sorted-ranges.js';
import {
  ACCESSES,
  addresses,
  addressOf,
  assignFunctions,
  type Case,
  describeFunction,
  layoutOf,
  mapPage,
  program,
  programFunction,
  type Subject,
  values,
} from '../../bench/topology.js';

const RIVALS = [LinearList, MapOfPages, SortedRanges];

function devices(functions: number, vectors: number): MsixDevice[] {
  const layout = layoutOf(vectors);
  return Array.from({ length: functions }, (_, index) => {
    const device = new MsixDevice(describeFunction(index, layout), mapPage);
    programFunction(device, index, layout);
    return device;
  });
}

describe.each([
  { functions: 1, vectors: 1 },
  { functions: 64, vectors: 32 },
  { functions: 3, vectors: 128 },
  { functions: 3, vectors: 129 },
  { functions: 8, vectors: 2048 },
])('$functions functions of $vectors vectors', ({ functions, vectors }) => {
  const layout = layoutOf(vectors);
  const at = (what: Case) => addresses(what, functions, layout);
  const answersOf = (subject: Subject) => checksums(subject, at, values(), 2000);
  const dispatcher = assignFunctions(functions, layout);
  program(dispatcher, functions, layout);
  const expected = answersOf(dispatcher);

  it.each(RIVALS)('are answered by %o as by Trapline', (Rival) => {
    expect(answersOf(new Rival(devices(functions, vectors)))).toEqual(expected);
  });

  it('are told from those that were not programmed', () => {
    const layoutless = Array.from(
      { length: functions },
      (_, index) => new MsixDevice(describeFunction(index, layout), mapPage),
    );
    const answers = answersOf(new SortedRanges(layoutless));
    expect(() => mustAgree('sorted ranges', expected, answers)).toThrow(
      'sorted ranges answers otherwise: table-read',
    );
  });
});

it('rivals that agree may be measured', () => {
  expect(() => mustAgree('a rival', [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7])).not.toThrow();
});

it('what is written counts', () => {
  const at = (what: Case) => addresses(what, 1);
  const dispatcher = assignFunctions(1);
  const [, once] = checksums(dispatcher, at, values(), 100);
  const [, other] = checksums(dispatcher, at, new Uint32Array(ACCESSES), 100);
  expect(other).not.toBe(once);
});

describe('sorted ranges', () => {
  /** Pages 2 and 3 of BARs of 16 KiB trap: the table's, and the PBA's on the next page, or on the same. */
  const ranges = new SortedRanges([0, 2, 1].map((index) => devices(3, 32)[index]));
  const page = (index: number, number: number) => addressOf(index) + 4096 * number;

  it('answer on each page of the table, however they were registered', () => {
    for (const index of [0, 1, 2]) expect(ranges.read(page(index, 2) + 8, 4)).toBe(0x4000);
  });

  it.each([
    ['before the first', page(0, 2) - 1],
    ['between two', page(0, 3)],
    ['right before the second', page(1, 2) - 1],
    ['behind the last', page(2, 3)],
    ['at 0', 0],
  ])('answer nothing %s', (_, address) => {
    expect(ranges.read(address, 1)).toBe(-1);
    expect(ranges.write(address, 1, 0)).toBe(false);
  });

  it('answer at the first and the last byte of a range', () => {
    expect(ranges.write(page(1, 2), 1, 0)).toBe(true);
    expect(ranges.write(page(1, 3) - 1, 1, 0)).toBe(true);
  });

  it('are refused over one another', () => {
    const [device] = devices(1, 32);
    expect(() => new SortedRanges([device, device])).toThrow('ranges overlap');
  });

  it('are two where table and PBA are on pages apart', () => {
    const device = new MsixDevice(
      {
        sbdf: 0,
        bars: [{ index: 0, type: 'mem32', address: 0x10000, size: 0x8000 }],
        msix: { count: 1, table: { bir: 0, offset: 0x4000 }, pba: { bir: 0, offset: 0x1000 } },
      },
      mapPage,
    );
    const apart = new SortedRanges([device]);
    const claimed = Array.from({ length: 8 }, (_, index) => apart.write(0x10000 + 4096 * index, 1, 0));
    expect(claimed).toEqual([false, true, false, false, true, false, false, false]);
  });

  it('answer none without a device', () => {
    expect(new SortedRanges([]).read(0, 4)).toBe(-1);
  });
});
