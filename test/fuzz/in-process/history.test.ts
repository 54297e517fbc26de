import { expect, it } from 'vitest';
import { parseLine, type Step } from '../../../src/conform/scenario.js';
import { historiesOf, textOf } from './history.js';
import { Lives } from './lives.js';
import { historiesIn } from './seeds.js';

const HEAD: Step = { op: 'scenario', name: 'a', hardware: false, trapAll: true, ownPages: true };
const ALL: readonly Step[] = [
  HEAD,
  {
    op: 'device',
    id: 8,
    bars: [
      { index: 0, type: 'mem64', address: 2 ** 52 - 0x1000, size: 0x1000, enabled: true, stuck: true },
      {
        index: 6,
        type: 'rom',
        address: 0,
        size: 0x800,
        enabled: false,
        stuck: false,
        hostAddress: 0xa0000000,
      },
    ],
    msix: { count: 3, table: { bir: 0, offset: 8 }, pba: { bir: 0, offset: 0x800 } },
    registers: [{ space: 'bar0', offset: 0x10, width: 2, value: 0xabcd }],
  },
  { op: 'device', id: 9, bars: [], msix: undefined, registers: [] },
  { op: 'read', address: 2 ** 53 - 1, width: 8, door: 'ring' },
  { op: 'write', address: 0x10, width: 8, low: 0xffffffff, high: 0x80000000, door: undefined },
  { op: 'control', id: 8, value: 0xffff },
  { op: 'cread', id: 8 },
  { op: 'decode', id: 8, enabled: false },
  { op: 'bar', id: 8, index: 6, address: 0xfe000000 },
  { op: 'mapfail', page: 0xfe000000, fail: true },
  { op: 'p2m', page: 0xfe000000, type: 'direct', frame: 0xabc },
  { op: 'p2m', page: 0xfe001000, type: 'ram', frame: undefined },
  { op: 'place', id: 8, region: 1, size: 0x35, address: 0xfe002000 },
  { op: 'unplace', id: 8, region: 1 },
  { op: 'reset', id: 8 },
  { op: 'remove', id: 8 },
];

it('a history is again what its file says', () => {
  const outcomes = ALL.map((step, index) => ({
    rc: `rc ${index}`,
    ...(step.op === 'read' && { data: 'ff' }),
    ...(step.op === 'control' && { ctl: '8000' }),
    fx: index % 2 === 0 ? [] : [['map', index]],
  }));
  const text = textOf({ policy: 'strict', steps: ALL }, outcomes);
  const lines = text.trimEnd().split('\n').map(parseLine);
  expect(lines.map(({ step }) => step)).toEqual(ALL);
  expect(lines.map(({ expected }) => expected)).toEqual(outcomes);
  expect(historiesOf(text, 'xen')).toEqual([{ policy: 'xen', steps: ALL }]);
});

it('a file may have several', () => {
  const golden = historiesIn('test/fixtures/oracle/examples');
  expect(golden).toHaveLength(26);
  for (const { steps } of golden) {
    expect(steps.map(({ op }) => op).indexOf('scenario')).toBe(0);
    expect(steps.filter(({ op }) => op === 'scenario')).toHaveLength(1);
  }
});

it('what a dispatcher served is one history, without what was left of each', () => {
  const lives = new Lives();
  const head = (name: string): Step => ({
    ...HEAD,
    op: 'scenario',
    name,
    hardware: false,
    trapAll: false,
    ownPages: false,
  });
  const one = { policy: 'strict', steps: [head('one'), ...ALL.slice(1)] } as const;
  const other = { policy: 'xen', steps: [head('other'), ALL[6]] } as const;
  const last = { policy: 'strict', steps: [head('last'), ALL[3]] } as const;
  for (const history of [one, other, last]) lives.add(history);
  expect(lives.whole(last)).toEqual({
    policy: 'strict',
    steps: [
      head('last'),
      ...ALL.slice(1),
      { op: 'remove', id: 8 },
      { op: 'remove', id: 9 },
      { op: 'p2m', page: 0xfe000000, type: 'dm', frame: undefined },
      { op: 'p2m', page: 0xfe001000, type: 'dm', frame: undefined },
      { op: 'mapfail', page: 0xfe000000, fail: false },
      ALL[3],
    ],
  });
});
