import type { ConfigRegisters, DecodeResult } from '../function.js';
import type { Raised } from '../msix/device-model.js';
import type { Sbdf } from '../sbdf.js';
import { DECODE_RESULTS, RAISED } from './answerer.js';
import type { Operation } from './call.js';
import type { Caller } from './caller.js';

/**
 * A function as another worker than the dispatcher's has it. Every call is carried out by the dispatcher's worker, while this
 * one waits. Inside an access, from a handler, changes are made when the outermost access has ended, before it returns, and
 * `config.read` throws `busy`. All throw `unknown-function` once the function is deassigned, but for changes that wait.
 */
export class AttachedFunction {
  /** Where the guest has it. */
  readonly sbdf: Sbdf;
  /** What a guest reads and writes by configuration cycles. See `ConfigRegisters`. */
  readonly config: Omit<ConfigRegisters, 'size'> = {
    read: (offset: number, width: number): number => this.call('config.read', offset, width) as number,
    write: (offset: number, width: number, value: number): void => {
      this.later('config.write', offset, width, value);
    },
  };
  private readonly caller: Caller;
  private readonly record: number;
  private readonly sequence: number;

  constructor(caller: Caller, sbdf: Sbdf, record: number, sequence: number) {
    this.caller = caller;
    this.sbdf = sbdf;
    this.record = record;
    this.sequence = sequence;
  }

  /** `okay` inside an access. */
  setDecode(on: boolean): DecodeResult {
    return DECODE_RESULTS[this.later('setDecode', on ? 1 : 0) ?? 1];
  }

  /** True inside an access. */
  moveBar(index: number, address: number): boolean {
    return this.later('moveBar', index, address) !== 0;
  }

  /** A guest's write of Message Control, as `TrappedFunction.writeMessageControl`. */
  writeMessageControl(value: number): void {
    this.later('writeMessageControl', value);
  }

  /** Of a software function. `pending` inside an access. */
  raise(vector: number): Raised {
    return RAISED[this.later('raise', vector) ?? 1];
  }

  private later(operation: Operation, ...values: number[]): number | undefined {
    return this.caller.askOrQueue({ operation, record: this.record, sequence: this.sequence, values });
  }

  private call(operation: Operation, ...values: number[]): number {
    return this.caller.ask({ operation, record: this.record, sequence: this.sequence, values });
  }
}
