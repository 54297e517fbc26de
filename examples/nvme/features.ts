import type { Command } from './command.js';
import { Failed, status } from './status.js';

/** I/O queues of each kind. */
export const MAX_QUEUES = 8;

const ARBITRATION = 0x01;
export const POWER_MANAGEMENT = 0x02;
const TEMPERATURE_THRESHOLD = 0x04;
const ERROR_RECOVERY = 0x05;
export const WRITE_CACHE = 0x06;
const NUMBER_OF_QUEUES = 0x07;
const INTERRUPT_COALESCING = 0x08;
const INTERRUPT_VECTOR = 0x09;
const WRITE_ATOMICITY = 0x0a;
const ASYNC_EVENTS = 0x0b;

const DEFAULTS: readonly [feature: number, value: number][] = [
  [ARBITRATION, 0],
  [POWER_MANAGEMENT, 0],
  [TEMPERATURE_THRESHOLD, 0xffff],
  [ERROR_RECOVERY, 0],
  [WRITE_CACHE, 1],
  [INTERRUPT_COALESCING, 0],
  [WRITE_ATOMICITY, 0],
  [ASYNC_EVENTS, 0],
];
/** The features that have one value, in the order in which it is saved. */
export const FEATURES: readonly number[] = DEFAULTS.map(([feature]) => feature);
/** Power Management's PS. There is one power state, 0. */
export const POWER_STATE = 0x1f;
const SAVE = 2 ** 31;

export interface FeaturesState {
  readonly values: readonly (readonly [feature: number, value: number])[];
  readonly uncoalesced: readonly number[];
}

/** Get and Set Features (NVMe 1.4, 5.21.1). What asks for nothing here is kept and given back. */
export class Features {
  private readonly vectors: number;
  private readonly values = new Map<number, number>(DEFAULTS);
  /** Vectors whose interrupts are not coalesced; a value that is kept only. */
  private readonly uncoalesced = new Set<number>();

  constructor(vectors: number) {
    this.vectors = vectors;
  }

  /** Off: what a write command wrote outlives a loss of power when the command ends. */
  get writeCache(): boolean {
    return this.values.get(WRITE_CACHE) === 1;
  }

  save(): FeaturesState {
    return { values: [...this.values], uncoalesced: [...this.uncoalesced] };
  }

  restore({ values, uncoalesced }: FeaturesState): void {
    for (const [feature, value] of values) this.values.set(feature, value);
    this.uncoalesced.clear();
    for (const vector of uncoalesced) this.uncoalesced.add(vector);
  }

  reset(): void {
    for (const [feature, value] of DEFAULTS) this.values.set(feature, value);
    this.uncoalesced.clear();
  }

  /** Returns dword 0 of the completion. */
  get(command: Command): number {
    const feature = command.dword(10) & 0xff;
    // SEL is 0: there is neither a saved value nor another default.
    if (command.dword(10) & 0x700) throw new Failed(status.invalidField);
    if (feature === NUMBER_OF_QUEUES) return allocated;
    if (feature === INTERRUPT_VECTOR) {
      const vector = this.vectorOf(command);
      return vector | (this.uncoalesced.has(vector) ? 1 << 16 : 0);
    }
    const value = this.values.get(feature);
    if (value === undefined) throw new Failed(status.invalidField);
    return value;
  }

  /** `idle`: there are no I/O queues. Returns dword 0 of the completion. */
  set(command: Command, idle: boolean): number {
    const feature = command.dword(10) & 0xff;
    const value = command.dword(11);
    if (command.dword(10) >= SAVE) throw new Failed(status.featureNotSaveable);
    if (feature === NUMBER_OF_QUEUES) {
      if (!idle) throw new Failed(status.commandSequenceError);
      if ((value & 0xffff) === 0xffff || value >>> 16 === 0xffff) throw new Failed(status.invalidField);
      return allocated;
    }
    if (feature === INTERRUPT_VECTOR) {
      const vector = this.vectorOf(command);
      if (value & (1 << 16)) this.uncoalesced.add(vector);
      else this.uncoalesced.delete(vector);
      return 0;
    }
    if (!this.values.has(feature)) throw new Failed(status.invalidField);
    if (feature === POWER_MANAGEMENT && (value & POWER_STATE) !== 0) throw new Failed(status.invalidField);
    this.values.set(feature, feature === WRITE_CACHE ? value & 1 : value);
    return 0;
  }

  private vectorOf(command: Command): number {
    const vector = command.dword(11) & 0xffff;
    if (vector >= this.vectors) throw new Failed(status.invalidField);
    return vector;
  }
}

/** Submission and completion queues, 0's based. */
const allocated = (MAX_QUEUES - 1) | ((MAX_QUEUES - 1) << 16);
