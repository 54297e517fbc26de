import { measureAccesses } from './accesses.js';
import { measureAudit } from './audit.js';
import { measureHeap } from './heap.js';
import { measureLock } from './lock.js';
import { measurePages } from './pages.js';
import { measureReplay } from './replay.js';
import type { Effort } from './rounds.js';
import type { Size } from './row.js';
import { measureWorkers } from './workers.js';

/** What one process measures: accesses at one size, the eight pages, a build's accesses, two workers, the heap, the replay of traces, or audits. */
export type Plan =
  | ({
      readonly measure: 'accesses';
      readonly batches: readonly number[];
      /** The native program, when there is a compiler. */
      readonly native?: string;
    } & Size &
      Effort)
  | ({ readonly measure: 'pages' } & Effort)
  | ({ readonly measure: 'lock'; readonly shared: boolean } & Effort)
  | { readonly measure: 'workers'; readonly rounds: number; readonly window: number }
  | { readonly measure: 'heap' }
  | { readonly measure: 'replay' }
  | { readonly measure: 'audit' };

function carryOut(plan: Plan): unknown {
  switch (plan.measure) {
    case 'accesses':
      return measureAccesses(plan, plan.batches, plan.native, plan);
    case 'pages':
      return measurePages(plan);
    case 'lock':
      return measureLock(plan.shared, plan);
    case 'workers':
      return measureWorkers(plan.rounds, plan.window);
    case 'heap':
      return measureHeap();
    case 'replay':
      return measureReplay();
    case 'audit':
      return measureAudit();
  }
}

process.send?.(await carryOut(JSON.parse(process.argv[2]) as Plan));
