import { DOORS } from '../../../src/conform/doors.js';
import type { GuestPageType, ScenarioBar, Step } from '../../../src/conform/scenario.js';
import type { GuestRegister, MsixLayout } from '../../../src/function.js';
import type { Random } from '../../hosts/guest/random.js';
import type { Device, Places } from './places.js';

type Access = Extract<Step, { op: 'read' | 'write' }>;
type Kind = Exclude<Step['op'], 'scenario'>;

const PAGE_TYPES: readonly GuestPageType[] = ['ram', 'direct', 'direct', 'dm', 'invalid'];
const CONTROLS = [0, 0x8000, 0x8000, 0x4000, 0xc000, 0xffff, 0x3fff];
const WORDS = [0, 0, 1, 1, 2, 0xfee00000, 0x80000000, 0xffffffff, 0xfffffffe];
const COUNTS = [1, 2, 3, 4, 8, 9, 63, 64, 65, 128, 129, 256, 300];
/** Sizes of regions by their numbers: pages and a half, within 8 bytes of a page's end, small. */
export const REGIONS = [0x2800, 0x1005, 0x35];
/** By how often each is wanted. */
const KINDS: readonly Kind[] = [
  ...Array<Kind>(6).fill('read'),
  ...Array<Kind>(6).fill('write'),
  ...Array<Kind>(3).fill('device'),
  ...Array<Kind>(3).fill('control'),
  ...Array<Kind>(3).fill('decode'),
  ...Array<Kind>(2).fill('bar'),
  'cread',
  'reset',
  'place',
  'place',
  'unplace',
  'mapfail',
  'p2m',
  'remove',
];
const NO_BAR = { index: 4, type: 'mem32', size: 0x1000 } as const;

export const anyWidth = (random: Random): number => random.of([1, 2, 4, 4, 8]);
export const anyWord = (random: Random): number => (random.below(3) === 0 ? random.next() : random.of(WORDS));
export const anyDoor = (random: Random): Access['door'] => random.of([undefined, undefined, ...DOORS]);

export function anyStep(random: Random, places: Places, kind = random.of(KINDS)): Step {
  const id = places.id(random);
  switch (kind) {
    case 'read':
      return { op: kind, address: places.address(random), width: anyWidth(random), door: anyDoor(random) };
    case 'write': {
      const width = anyWidth(random);
      const low = anyWord(random) & (width < 4 ? 256 ** width - 1 : -1);
      const high = width === 8 ? anyWord(random) : 0;
      const address = places.address(random);
      return { op: kind, address, width, low: low >>> 0, high, door: anyDoor(random) };
    }
    case 'control':
      return { op: kind, id, value: random.of(CONTROLS) };
    case 'decode':
      return { op: kind, id, enabled: random.below(2) === 1 };
    case 'bar': {
      const bar = places.bar(random, id) ?? NO_BAR;
      return { op: kind, id, index: bar.index, address: places.place(random, bar) };
    }
    case 'mapfail': {
      const page = places.page(random);
      return { op: kind, page, fail: random.below(2) === 1 };
    }
    case 'p2m':
      return { op: kind, page: places.page(random), type: random.of(PAGE_TYPES), frame: undefined };
    case 'place': {
      const region = random.below(REGIONS.length);
      return { op: kind, id, region, size: REGIONS[region], address: places.page(random) };
    }
    case 'unplace':
      return { op: kind, id, region: random.below(REGIONS.length) };
    case 'device':
      return anyDevice(random, places);
    default:
      return { op: kind, id };
  }
}

function anyDevice(random: Random, places: Places): Device {
  const indices = [0, 1, 2, 3, 6].filter(() => random.below(2) === 0).slice(0, 3);
  const bars = (indices.length > 0 ? indices : [0]).map((index) => anyBar(random, places, index, indices));
  const memory = bars.filter(({ type }) => type === 'mem32' || type === 'mem64');
  const hasMsix = memory.length > 0 && random.below(8) !== 0;
  const msix = hasMsix ? anyMsix(random, memory) : undefined;
  return { op: 'device', id: places.freeId(random), bars, msix, registers: anyRegisters(random, memory) };
}

export function anyBar(
  random: Random,
  places: Places,
  index: number,
  indices: readonly number[],
): ScenarioBar {
  const wide = index < 5 && !indices.includes(index + 1) && random.below(3) === 0;
  const narrow = random.below(12) === 0 ? 'io' : 'mem32';
  const type = index === 6 ? 'rom' : wide ? 'mem64' : narrow;
  const size = random.below(2) === 0 ? 2 ** (4 + random.below(11)) : 0x1000;
  const address = places.place(random, { type, size });
  const bar = { index, type, address, size, enabled: type !== 'io' && random.below(5) !== 0 } as const;
  return { ...bar, stuck: random.below(16) === 0, ...(random.below(3) === 0 && hostOf(random, bar)) };
}

/** Elsewhere on the host, at the same place of its page unless it is smaller. */
export function hostOf(
  random: Random,
  { address, size }: Pick<ScenarioBar, 'address' | 'size'>,
): { hostAddress: number } {
  const shift = size < 0x1000 ? 16 * random.below(0x100) : 0;
  return { hostAddress: (address % 2 ** 32) + 0x1000000 + shift };
}

/** Table and PBA at the start, at the end, beside a page's end, anywhere. */
export function anyMsix(random: Random, bars: readonly ScenarioBar[]): MsixLayout {
  const [table, pba] = [random.of(bars), random.of(bars)];
  const count = Math.max(1, Math.min(random.of(COUNTS), table.size / 16, 8 * pba.size));
  const at = ({ index, size }: ScenarioBar, length: number) => {
    const last = Math.max(0, size - length);
    const ends = [0, last, 0x1000, 0x1000 - length, 0x1008 - length].filter((end) => end >= 0 && end <= last);
    const offset = random.below(3) === 0 ? random.below(last + 1) : random.of(ends);
    return { bir: index, offset: offset - (offset % 8) };
  };
  return { count, table: at(table, 16 * count), pba: at(pba, 8 * Math.ceil(count / 64)) };
}

/** Mostly none: they are for policy strict. */
export function anyRegisters(random: Random, bars: readonly ScenarioBar[]): GuestRegister[] {
  if (bars.length === 0) return [];
  return Array.from({ length: Math.max(0, random.below(5) - 2) }, () => {
    const { index, size } = random.of(bars);
    const width = random.of([1, 2, 4] as const);
    const offset = random.of([0, size - width, random.below(size - width + 1)]);
    return {
      space: `bar${index}` as GuestRegister['space'],
      offset,
      width,
      value: random.below(256 ** width),
    };
  });
}
