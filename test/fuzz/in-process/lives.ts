import type { Step } from '../../../src/conform/scenario.js';
import type { History } from './history.js';
import { LIFE } from './reused-dispatcher.js';

/** What dispatchers that serve one history after the other have served last. */
export class Lives {
  private readonly served = new Map<string, History[]>();

  add(history: History): void {
    const key = keyOf(history);
    this.served.set(key, [...(this.served.get(key) ?? []), history].slice(-LIFE));
  }

  /** All that the dispatcher of the history added last has served, as one history. */
  whole(last: History): History {
    const [head] = last.steps;
    const all = this.served.get(keyOf(last)) ?? [];
    const steps = all.flatMap((history) => (history === last ? history.steps.slice(1) : ended(history)));
    return { policy: last.policy, steps: [head, ...steps] };
  }
}

function keyOf({ policy, steps: [head] }: History): string {
  return JSON.stringify({ policy, ...head, name: '' });
}

/** Without its scenario; then nothing is left of it. */
function ended({ steps }: History): Step[] {
  const ids = new Set(steps.flatMap((step) => (step.op === 'device' ? step.id : [])));
  const pages = new Set(steps.flatMap((step) => (step.op === 'p2m' ? step.page : [])));
  const failing = new Set(steps.flatMap((step) => (step.op === 'mapfail' ? step.page : [])));
  return [
    ...steps.slice(1),
    ...[...ids].map((id): Step => ({ op: 'remove', id })),
    ...[...pages].map((page): Step => ({ op: 'p2m', page, type: 'dm', frame: undefined })),
    ...[...failing].map((page): Step => ({ op: 'mapfail', page, fail: false })),
  ];
}
