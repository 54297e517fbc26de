import type { ScenarioBar, Step } from '../../../src/conform/scenario.js';
import type { History } from './history.js';
import type { Device } from './places.js';
import type { Replayed } from './replay.js';

/** Replays at most. */
const LIMIT = 20_000;

/** A history as short and as plain as can be that `replay` still finds a difference in. */
export function shrunk(found: Replayed, replay: (history: History) => Replayed): Replayed {
  let best = found;
  let replays = 0;
  const better = (history: History): boolean => {
    if (++replays > LIMIT) return false;
    const replayed = replay(history);
    if (!replayed.difference) return false;
    best = replayed;
    return true;
  };
  for (let before: Replayed | undefined; before !== best && replays < LIMIT; ) {
    before = best;
    shorten();
    plainer();
  }
  return best;

  /** Without runs of steps, long ones first; the scenario's own stays. */
  function shorten(): void {
    for (let length = best.history.steps.length >> 1; length >= 1; length >>= 1) {
      for (let at = best.history.steps.length - length; at >= 1; at--) {
        const { steps } = best.history;
        better({ ...best.history, steps: steps.toSpliced(at, length) });
      }
    }
  }

  function plainer(): void {
    for (let at = 0; at < best.history.steps.length; at++) {
      let changed: boolean;
      do {
        const { history } = best;
        changed = plainerSteps(history.steps[at] as Step).some((step) =>
          better({ ...history, steps: history.steps.with(at, step) }),
        );
      } while (changed);
    }
  }
}

/** The same with one field plainer: each way leads to an end. */
function plainerSteps(step: Step): Step[] {
  switch (step.op) {
    case 'scenario':
      return [
        ...(step.trapAll ? [{ ...step, trapAll: false }] : []),
        ...(step.ownPages ? [{ ...step, ownPages: false }] : []),
        ...(step.hardware ? [{ ...step, hardware: false }] : []),
      ];
    case 'device':
      return plainerDevices(step);
    case 'read':
      return [
        ...(step.door ? [{ ...step, door: undefined }] : []),
        ...lowerWidths(step).map((width) => ({ ...step, width })),
      ];
    case 'write': {
      const { low, high } = step;
      return [
        ...(step.door ? [{ ...step, door: undefined }] : []),
        ...lowerWidths(step).map((width) => ({ ...step, width, low: low % 256 ** width, high: 0 })),
        ...(high !== 0 ? [{ ...step, high: 0 }] : []),
        ...(low !== 0 ? [{ ...step, low: 0 }] : []),
        ...(low > 1 ? [{ ...step, low: 1 }] : []),
      ];
    }
    case 'control':
      return step.value === 0 || step.value === 0x8000
        ? []
        : [0, 0x8000].map((value) => ({ ...step, value }));
    default:
      return [];
  }
}

const lowerWidths = ({ width }: { readonly width: number }): number[] =>
  [1, 2, 4].filter((one) => one < width);

function plainerDevices(device: Device): Device[] {
  const { bars, msix } = device;
  const plainerLayouts = msix
    ? [
        undefined,
        ...(msix.count > 1 ? [1, msix.count >> 1, msix.count - 1].map((count) => ({ ...msix, count })) : []),
        ...(msix.table.offset > 0 ? [{ ...msix, table: { ...msix.table, offset: 0 } }] : []),
      ]
    : [];
  return [
    ...(bars.length > 1 ? bars.map((_, at) => ({ ...device, bars: bars.toSpliced(at, 1) })) : []),
    ...bars.flatMap((bar, at) => plainerBars(bar).map((one) => ({ ...device, bars: bars.with(at, one) }))),
    ...device.registers.map((_, at) => ({ ...device, registers: device.registers.toSpliced(at, 1) })),
    ...plainerLayouts.map((layout) => ({ ...device, msix: layout })),
  ];
}

function plainerBars(bar: ScenarioBar): ScenarioBar[] {
  const { hostAddress, ...rest } = bar;
  return [
    ...(hostAddress !== undefined ? [rest] : []),
    ...(bar.stuck ? [{ ...bar, stuck: false }] : []),
    ...(bar.size > 0x1000 ? [{ ...bar, size: bar.size / 2 }] : []),
  ];
}
