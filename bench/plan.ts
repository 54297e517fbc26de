import { measureAccesses } from './accesses.js';

/** What one process measures. */
export interface Plan {
  readonly functions: number;
  readonly rounds: number;
  /** Milliseconds that a variant runs in a round. */
  readonly burst: number;
}

const plan = JSON.parse(process.argv[2]) as Plan;
process.send?.(measureAccesses(plan.functions, plan.rounds, plan.burst));
