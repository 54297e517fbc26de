import { measureAccesses } from './accesses.js';
import { measureHeap } from './heap.js';
import { measurePages } from './pages.js';

/** What one process measures: accesses with one number of functions, the eight pages, or the heap. */
export type Plan =
  | {
      readonly measure: 'accesses';
      readonly functions: number;
      readonly rounds: number;
      readonly burst: number;
    }
  | { readonly measure: 'pages'; readonly rounds: number; readonly burst: number }
  | { readonly measure: 'heap' };

function carryOut(plan: Plan): unknown {
  switch (plan.measure) {
    case 'accesses':
      return measureAccesses(plan.functions, plan.rounds, plan.burst);
    case 'pages':
      return measurePages(plan.rounds, plan.burst);
    case 'heap':
      return measureHeap();
  }
}

process.send?.(await carryOut(JSON.parse(process.argv[2]) as Plan));
