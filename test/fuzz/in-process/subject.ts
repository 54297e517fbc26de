import type { CreateTrap } from '../../../src/conform/harness.js';
import { createDispatcher } from '../../../src/dispatcher.js';
import { createDispatcher as createShared } from '../../../src/shared.js';
import { TARGETS, type Target } from '../../compile-core.js';
import { type Block, countersOf } from '../../coverage/counters.js';
import type { InstrumentedCores } from '../../coverage/instrument.js';
import { type CreateDispatcher, ReusedDispatchers } from './reused-dispatcher.js';

const CREATE: Readonly<Record<Target, (module: WebAssembly.Module) => CreateDispatcher>> = {
  release: (module) => (options) => createDispatcher({ ...options, module }),
  shared: (module) => (options) => createShared({ ...options, module, shared: true }),
};

/** The dispatcher of one target, its core instrumented. */
export class Subject {
  /** A dispatcher of its own for each scenario. */
  readonly createAnew: CreateTrap;
  private readonly reused: ReusedDispatchers;
  private readonly blocks: readonly Block[];

  constructor(target: Target, wasm: Uint8Array<ArrayBuffer>, blocks: readonly Block[]) {
    this.blocks = blocks;
    const create = CREATE[target](new WebAssembly.Module(wasm));
    this.createAnew = create;
    this.reused = new ReusedDispatchers(create);
  }

  /** Begins to count. */
  readonly create: CreateTrap = (options) => {
    const trap = this.reused.create(options);
    this.counters.fill(0);
    return trap;
  };

  /** Of the scenario that was begun last. */
  get counters(): Uint8Array {
    return countersOf(this.reused.current!.attach().memory, this.blocks);
  }
}

export const subjectsOf = ({ wasm, blocks }: InstrumentedCores): Subject[] =>
  TARGETS.map((target) => new Subject(target, wasm[target], blocks));
