import { FORWARDED, HELD, SPLIT, STATUS } from '../../assembly/layout.js';
import type { Width } from '../access.js';
import { Dispatcher, type Fallback } from '../dispatcher.js';
import { readView, writeView } from '../memory/mapped-page.js';
import type { DispatcherOptions } from '../options.js';
import { SharedCompletion } from './completion.js';
import { SharedCore, type SharedExports } from './core.js';
import { SharedDomain } from './domain.js';

/** A dispatcher whose functions are in shared memory, each under a lock for the whole of an access. */
export class SharedDispatcher extends Dispatcher {
  declare protected readonly core: SharedCore;
  declare private readonly release: SharedExports['release'];
  declare private readonly memory: readonly (DataView | undefined)[];

  /** Throws `bad-module`, `bad-argument`. */
  constructor(options: DispatcherOptions) {
    super(options, [SharedCore, SharedDomain, SharedCompletion]);
    this.memory = this.views;
    this.release = this.core.exports.release;
    // The completion releases the lock: there is no way round it but below.
    this.views = [];
  }

  protected override readMemory(low: number, width: Width): number {
    const outcome = this.cells[STATUS / 4];
    this.cells[STATUS / 4] = 0;
    this.outcome = outcome;
    const view = this.memory[outcome >>> 8];
    if (view === undefined || width === 8) return -1;
    const how = outcome & 0xff;
    if (how !== FORWARDED && (how !== SPLIT || !this.unalignedRead.countQuietly())) return -1;
    this.outcome = 0;
    const value = readView(view, low & 0xfff, width);
    this.release(this.cells[HELD / 4]);
    return value;
  }

  protected override writeMemory(outcome: number, low: number, width: Width, data: number): boolean {
    const view = this.memory[outcome >>> 8];
    if (view === undefined || width === 8) return false;
    const how = outcome & 0xff;
    if (how !== FORWARDED && (how !== SPLIT || !this.unalignedWrite.countQuietly())) return false;
    writeView(view, low & 0xfff, width, data);
    this.release(this.cells[HELD / 4]);
    return true;
  }

  override attach(fallback?: Fallback): ReturnType<Dispatcher['attach']> {
    const { attach, acquire, release, ...doors } = super.attach(fallback) as SharedExports &
      ReturnType<Dispatcher['attach']>;
    return doors;
  }
}
