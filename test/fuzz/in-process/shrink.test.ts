import { expect, it } from 'vitest';
import type { Step } from '../../../src/conform/scenario.js';
import type { History } from './history.js';
import type { Replayed } from './replay.js';
import { shrunk } from './shrink.js';

/** Differs where `shows` says so of the steps. */
const replaying =
  (shows: (steps: readonly Step[]) => boolean) =>
  (history: History): Replayed => ({
    history,
    outcomes: [],
    difference: shows(history.steps)
      ? { at: 0, expected: { rc: '', fx: [] }, got: { rc: '', fx: [] }, fields: [] }
      : undefined,
  });

const BAR = { type: 'mem32', size: 0x8000, enabled: true, stuck: true, hostAddress: 0xa0000000 } as const;
const STEPS: readonly Step[] = [
  { op: 'scenario', name: 'a', hardware: true, trapAll: true, ownPages: false },
  {
    op: 'device',
    id: 8,
    bars: [0, 1].map((index) => ({ ...BAR, index, address: 0xfe000000 + 0x8000 * index })),
    msix: { count: 65, table: { bir: 1, offset: 0x100 }, pba: { bir: 1, offset: 0x1000 } },
    registers: [{ space: 'bar0', offset: 0, width: 1, value: 1 }],
  },
  { op: 'control', id: 8, value: 0xffff },
  ...Array.from({ length: 20 }, (_, index): Step => ({ op: 'cread', id: index })),
  { op: 'write', address: 0xfe000000, width: 8, low: 0xabcdef01, high: 0x1234, door: 'v86' },
  { op: 'read', address: 0xfe000000, width: 8, door: 'ring' },
];

function shortest(shows: (steps: readonly Step[]) => boolean): readonly Step[] {
  const replay = replaying(shows);
  return shrunk(replay({ policy: 'xen', steps: STEPS }), replay).history.steps;
}

it('what has nothing to do with it goes', () => {
  const has = (steps: readonly Step[], op: Step['op']) => steps.some((step) => step.op === op);
  expect(shortest((steps) => has(steps, 'write') && has(steps, 'read'))).toEqual([
    { op: 'scenario', name: 'a', hardware: false, trapAll: false, ownPages: false },
    { op: 'write', address: 0xfe000000, width: 1, low: 0, high: 0, door: undefined },
    { op: 'read', address: 0xfe000000, width: 1, door: undefined },
  ]);
});

it('what it depends on stays', () => {
  const shown = shortest(
    (steps) =>
      steps.some((step) => step.op === 'device' && (step.msix?.count ?? 0) > 4 && step.bars.length === 2) &&
      steps.some((step) => step.op === 'cread' && step.id === 13) &&
      steps.some((step) => step.op === 'write' && step.high !== 0 && step.door === 'v86'),
  );
  const bar = { type: 'mem32', size: 0x1000, enabled: true, stuck: false };
  expect(shown).toEqual([
    { op: 'scenario', name: 'a', hardware: false, trapAll: false, ownPages: false },
    {
      op: 'device',
      id: 8,
      bars: [
        { ...bar, index: 0, address: 0xfe000000 },
        { ...bar, index: 1, address: 0xfe008000 },
      ],
      msix: { count: 5, table: { bir: 1, offset: 0 }, pba: { bir: 1, offset: 0x1000 } },
      registers: [],
    },
    { op: 'cread', id: 13 },
    { op: 'write', address: 0xfe000000, width: 8, low: 0, high: 0x1234, door: 'v86' },
  ]);
});
