import { measureAccesses } from './accesses.js';
import { measureHeap } from './heap.js';
import { measurePages } from './pages.js';
import { measureReplay } from './replay.js';
import type { Effort } from './rounds.js';

/** What one process measures: accesses with one number of functions, the eight pages, the heap, or the replay of traces. */
export type Plan =
  | ({
      readonly measure: 'accesses';
      readonly functions: number;
      readonly batches: readonly number[];
    } & Effort)
  | ({ readonly measure: 'pages' } & Effort)
  | { readonly measure: 'heap' }
  | { readonly measure: 'replay' };

function carryOut(plan: Plan): unknown {
  switch (plan.measure) {
    case 'accesses':
      return measureAccesses(plan.functions, plan.batches, plan);
    case 'pages':
      return measurePages(plan);
    case 'heap':
      return measureHeap();
    case 'replay':
      return measureReplay();
  }
}

process.send?.(await carryOut(JSON.parse(process.argv[2]) as Plan));
