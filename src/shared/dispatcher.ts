import { CALLS } from '../../assembly/layout.js';
import { Dispatcher, type Fallback } from '../dispatcher.js';
import type { ModuleDoors } from '../engine/core.js';
import type { DispatcherOptions } from '../options.js';
import { Answerer } from './answerer.js';
import { OwningCore, type SharedExports } from './core.js';
import { SharedDomain } from './domain.js';
import type { WorkerHandle } from './handle.js';
import { OwningCompletion } from './owning-completion.js';
import { releaseDead } from './release.js';

/** `Atomics.waitAsync`, ES2024. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { readonly async: boolean; readonly value: unknown };

/**
 * A dispatcher whose functions are in shared memory, each under a lock for the whole of an access. Other workers attach to it.
 * Functions are changed here: what others ask for is done whenever this worker returns to its event loop.
 */
export class SharedDispatcher extends Dispatcher {
  declare protected readonly core: OwningCore;
  /** @internal */
  declare readonly domain: SharedDomain;
  private readonly answerer: Answerer;
  private listening = false;

  /** Throws `bad-module`, `bad-argument`. */
  constructor(options: DispatcherOptions) {
    super(options, [OwningCore, SharedDomain, OwningCompletion]);
    this.answerer = new Answerer(this, this.domain);
    // The completion releases the lock: there is no way round it.
    this.views = [];
  }

  /** A place for another worker, which attaches with it. Throws `busy` when 63 have one, `out-of-memory`. */
  share(): WorkerHandle {
    const { module, memory, workers } = this.core;
    const { policy, hardware } = this.domain;
    const place = workers.add();
    void this.listen();
    return { ...place, module, memory, policy: policy.name, hardware };
  }

  /** Accesses that read ones, or were dropped, as those whose lock they waited for waited for this worker's. */
  get circles(): number {
    return this.core.circles;
  }

  /**
   * A worker has died: its locks are free, what its handlers had asked for is done, and its place can be had again. Until then
   * accesses to functions that it was in wait, and so do changes of them. Nothing for a worker that has left.
   */
  release(handle: WorkerHandle): void {
    releaseDead(handle);
    this.serve();
  }

  /**
   * Does what other workers ask for now; returns how many asked. Needed only where `Atomics.waitAsync` is not there, or
   * where this worker does not return to its event loop.
   */
  serve(): number {
    return this.core.underway === 0 ? this.answerer.serve() : 0;
  }

  private async listen(): Promise<void> {
    const { waitAsync } = Atomics as unknown as { readonly waitAsync?: WaitAsync };
    if (this.listening || !waitAsync) return;
    this.listening = true;
    const { core } = this;
    const words = new Int32Array(core.memory.buffer);
    while (core.workers.attached.length > 0) {
      const seen = Atomics.load(words, CALLS / 4);
      this.serve();
      await waitAsync(words, CALLS / 4, seen).value;
    }
    this.listening = false;
  }

  override attach(fallback?: Fallback): ModuleDoors {
    const { attach, acquire, release, leave_held, ...doors } = super.attach(fallback) as SharedExports &
      ModuleDoors;
    return doors;
  }
}
