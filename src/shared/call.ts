import { CALL_SIZE } from '../../assembly/layout.js';

/**
 * What a worker asks of the one that made the dispatcher. `read`, `write`: an access to a page that only that one has, or to bytes
 * with different owners. `vector`: a guest's write changed a mask bit.
 */
const OPERATIONS = [
  'nothing',
  'read',
  'write',
  'vector',
  'find',
  'setDecode',
  'moveBar',
  'writeMessageControl',
  'config.read',
  'config.write',
  'raise',
  'allocate',
] as const;

export type Operation = (typeof OPERATIONS)[number];

export interface Call {
  readonly operation: Operation;
  /** Record and SEQUENCE of the function, 0 where it is of none. */
  readonly record: number;
  readonly sequence: number;
  /** At most four. */
  readonly values: readonly number[];
}

const VALUES = 4;

// In shared memory: +0 operation +4 record +8 sequence +16 four f64.

export function writeCall(memory: WebAssembly.Memory, at: number, call: Call): void {
  const view = new DataView(memory.buffer, at, CALL_SIZE);
  view.setUint32(0, OPERATIONS.indexOf(call.operation), true);
  view.setUint32(4, call.record, true);
  view.setUint32(8, call.sequence, true);
  for (let index = 0; index < VALUES; index++) {
    view.setFloat64(16 + 8 * index, call.values[index] ?? 0, true);
  }
}

export function readCall(memory: WebAssembly.Memory, at: number): Call {
  const view = new DataView(memory.buffer, at, CALL_SIZE);
  return {
    operation: OPERATIONS[view.getUint32(0, true)] ?? 'nothing',
    record: view.getUint32(4, true),
    sequence: view.getUint32(8, true),
    values: Array.from({ length: VALUES }, (_, index) => view.getFloat64(16 + 8 * index, true)),
  };
}
