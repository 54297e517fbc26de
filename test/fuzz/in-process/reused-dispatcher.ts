import type { CreateTrap } from '../../../src/conform/harness.js';
import type { Dispatcher, DispatcherOptions } from '../../../src/dispatcher.js';
import type { Host } from '../../../src/host.js';

export type CreateDispatcher = (options: DispatcherOptions) => Dispatcher;

/** Scenarios of a dispatcher's life. */
export const LIFE = 64;

interface Reused {
  readonly dispatcher: Dispatcher;
  /** What it is made with, for the scenario at hand. */
  readonly now: { options: DispatcherOptions };
  scenarios: number;
}

/**
 * Dispatchers that serve one scenario after the other, without the functions of the last one: a new one takes longer
 * (1 ms, its memory) than a scenario. That nothing is left of the last one is tested by the way.
 */
export class ReusedDispatchers {
  private readonly make: CreateDispatcher;
  private readonly reused = new Map<string, Reused>();
  /** The one that `create` gave last. */
  current: Dispatcher | undefined;

  constructor(make: CreateDispatcher) {
    this.make = make;
  }

  readonly create: CreateTrap = (options) => {
    const key = `${options.policy?.name} ${options.domain} ${options.trapAll}`;
    const one = this.reused.get(key) ?? this.made(options);
    for (const { sbdf } of one.dispatcher.functions) one.dispatcher.deassign(sbdf);
    one.now.options = options;
    if (++one.scenarios === LIFE) this.reused.delete(key);
    else this.reused.set(key, one);
    this.current = one.dispatcher;
    return one.dispatcher;
  };

  private made(options: DispatcherOptions): Reused {
    const now = { options };
    const dispatcher = this.make({
      ...options,
      host: new Proxy(options.host, {
        get(_, name: keyof Host) {
          const { host } = now.options;
          return (host[name] as ((...given: unknown[]) => unknown) | undefined)?.bind(host);
        },
      }),
      onDiagnostic: (diagnostic) => now.options.onDiagnostic?.(diagnostic),
      onError: (error) => now.options.onError?.(error),
    });
    return { dispatcher, now, scenarios: 0 };
  }
}
