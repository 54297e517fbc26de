import type { ScenarioBar, Step } from '../../../src/conform/scenario.js';
import type { Random } from '../../hosts/guest/random.js';
import { anyBar, anyDoor, anyMsix, anyRegisters, anyStep, anyWidth, anyWord, hostOf } from './any-step.js';
import type { History } from './history.js';
import { type Device, Places } from './places.js';

/** Steps of a history at most. */
export const MOST_STEPS = 96;

const POLICIES = ['strict', 'xen', 'xenV3'] as const;

type Head = Extract<Step, { op: 'scenario' }>;

/** A history a little other than one that is given; it may have steps of the other. */
export function mutated(random: Random, history: History, other: History): History {
  let { policy } = history;
  let [head, ...steps] = history.steps as [Head, ...Step[]];
  for (let change = random.below(5); change >= 0; change--) {
    const places = new Places(steps);
    const at = random.below(steps.length + 1);
    const kind = random.below(24);
    if (kind < 8) steps = steps.toSpliced(at, 0, anyStep(random, places));
    else if (kind < 16)
      steps = steps.map((step, index) => (index === at ? changed(random, step, places) : step));
    else if (kind < 18) steps = steps.toSpliced(at, 1 + random.below(4));
    else if (kind === 18)
      steps = steps.toSpliced(random.below(steps.length + 1), 0, ...steps.slice(at, at + 4));
    else if (kind === 19) steps = moved(random, steps, at);
    else if (kind < 22) steps = [...steps.slice(0, at), ...tailOf(random, other.steps.slice(1))];
    else if (kind === 22) policy = random.of(POLICIES);
    else head = { ...head, ...flipped(head, random.of(['hardware', 'trapAll', 'ownPages'])) };
  }
  const strict = policy === 'strict';
  const most = steps.slice(0, MOST_STEPS);
  const trapAll = head.trapAll && strict;
  return { policy, steps: [{ ...head, name: 'fuzz', trapAll }, ...(strict ? most : xens(most))] };
}

const flipped = (head: Head, flag: 'hardware' | 'trapAll' | 'ownPages') => ({ [flag]: !head[flag] });

/** Regions and registers of the guest are for policy strict. */
const xens = (steps: readonly Step[]): Step[] =>
  steps
    .filter(({ op }) => op !== 'place' && op !== 'unplace')
    .map((step) => (step.op === 'device' ? { ...step, registers: [] } : step));

function moved(random: Random, steps: readonly Step[], from: number): Step[] {
  const some = steps.slice(from, from + 1 + random.below(3));
  const rest = steps.toSpliced(from, some.length);
  return rest.toSpliced(random.below(rest.length + 1), 0, ...some);
}

function tailOf(random: Random, steps: readonly Step[]): readonly Step[] {
  return steps.slice(random.below(2) === 0 ? 0 : random.below(steps.length + 1));
}

function changed(random: Random, step: Step, places: Places): Step {
  switch (step.op) {
    case 'device':
      return changedDevice(random, step, places);
    case 'read':
    case 'write': {
      const kind = random.below(5);
      if (kind === 0) return { ...step, address: places.address(random) };
      if (kind === 1) return { ...step, address: Math.max(0, step.address + random.below(17) - 8) };
      if (kind === 2) return { ...step, door: anyDoor(random) };
      if (kind === 3 && step.op === 'write') {
        const low = step.width < 4 ? random.below(256) : anyWord(random);
        return { ...step, low, high: step.width === 8 ? anyWord(random) : 0 };
      }
      const width = anyWidth(random);
      if (step.op === 'read') return { ...step, width };
      const low = width < 4 ? step.low % 256 ** width : step.low;
      return { ...step, width, low, high: width === 8 ? step.high : 0 };
    }
    case 'decode':
      return { ...step, enabled: !step.enabled };
    default:
      return anyStep(random, places, step.op as never);
  }
}

function changedDevice(random: Random, device: Device, places: Places): Device {
  const { bars, msix } = device;
  const memory = bars.filter(({ type }) => type === 'mem32' || type === 'mem64');
  const indices = bars.map(({ index }) => index);
  const at = random.below(bars.length);
  const with_ = (bar: ScenarioBar): Device => ({ ...device, bars: bars.with(at, bar) });
  const bar = bars[at];
  switch (random.below(10)) {
    case 0:
      return { ...device, id: places.freeId(random) };
    case 1:
      return bar ? with_(anyBar(random, places, bar.index, indices)) : device;
    case 2:
      return bar ? with_({ ...bar, address: places.place(random, bar) }) : device;
    case 3:
      return bar ? with_({ ...bar, enabled: bar.type !== 'io' && !bar.enabled }) : device;
    case 4:
      return bar ? with_({ ...bar, stuck: !bar.stuck }) : device;
    case 5: {
      if (!bar) return device;
      const { hostAddress, ...rest } = bar;
      return with_(hostAddress === undefined ? { ...bar, ...hostOf(random, bar) } : rest);
    }
    case 6: {
      const free = [0, 1, 2, 3, 6].filter((index) => !indices.includes(index));
      if (free.length === 0) return { ...device, bars: bars.toSpliced(at, 1) };
      return { ...device, bars: [...bars, anyBar(random, places, random.of(free), indices)] };
    }
    case 7: {
      if (!msix) return memory.length > 0 ? { ...device, msix: anyMsix(random, memory) } : device;
      const which = random.of(['table', 'pba'] as const);
      const offset = Math.max(0, msix[which].offset + 8 * (random.below(5) - 2));
      return { ...device, msix: { ...msix, [which]: { ...msix[which], offset } } };
    }
    case 8:
      return { ...device, registers: anyRegisters(random, memory) };
    default:
      return memory.length > 0 ? { ...device, msix: anyMsix(random, memory) } : device;
  }
}
