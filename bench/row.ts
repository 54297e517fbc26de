import type { Case } from './topology.js';

export type Subject =
  | 'floor'
  | 'trapline'
  | 'linear list'
  | 'map of pages'
  | 'sorted ranges'
  | 'address blocks'
  | 'producer';

/** Who makes the accesses: JavaScript, another wasm module, a producer that fills a ring, or a native program, on itself. */
export type Door = 'js' | 'wasm' | 'ring' | 'native';

/** How much there is. */
export interface Size {
  readonly functions: number;
  /** Of each function. */
  readonly vectors: number;
}

/** What one variant measures. */
export interface Key {
  readonly subject: Subject;
  readonly door: Door;
  readonly access: Case | 'read' | 'write' | 'storing write';
  /** Ring: records answered by one call. */
  readonly batch?: number;
}

export interface Row extends Key, Size {
  /** Median, nanoseconds an access. */
  readonly ns: number;
  /** Times the floor of the same direction: of wasm for wasm, of JavaScript for all others. */
  readonly ratio: number;
  /** The lowest and the highest ratio of the processes. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
  /** Samples not counted because the machine was slow then. */
  readonly dropped: number;
}
