import type { Case } from './topology.js';

export type Subject = 'floor' | 'trapline' | 'linear list' | 'map of pages' | 'address blocks' | 'producer';

/** Who makes the accesses: JavaScript, another wasm module, or a producer that fills a ring. */
export type Door = 'js' | 'wasm' | 'ring';

/** What one variant measures. */
export interface Key {
  readonly subject: Subject;
  readonly door: Door;
  readonly access: Case | 'read' | 'write' | 'storing write';
  /** Ring: records answered by one call. */
  readonly batch?: number;
}

export interface Row extends Key {
  readonly functions: number;
  /** Median, nanoseconds an access. */
  readonly ns: number;
  /** Times the floor of the same direction: of the same door, of JavaScript for the ring. */
  readonly ratio: number;
  readonly samples: number;
  /** Samples not counted because the machine was slow then. */
  readonly dropped: number;
}
