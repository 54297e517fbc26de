import {
  ANSWER,
  ANSWER_HIGH,
  ASKED,
  CALL,
  CALL_SIZE,
  CALLS,
  CALLS_OF,
  MISUSED,
  MOST_QUEUED,
  NO_CALL,
  QUEUED,
  TEXT,
  TEXT_LENGTH,
} from '../../assembly/layout.js';
import { TraplineError } from '../errors.js';
import { type Call, writeCall } from './call.js';
import type { SharedCore } from './core.js';

/** Asks the worker that made the dispatcher, and waits for its answer. Only where this worker holds no lock. */
export class Caller {
  private readonly core: SharedCore;
  /** High lane of the last answer. */
  high = 0;

  constructor(core: SharedCore) {
    this.core = core;
  }

  /** What was queued is done before. Throws what the call is misuse of; `busy` inside an access. */
  ask(call: Call): number {
    const { core } = this;
    if (core.underway > 0) {
      throw new TraplineError('busy', `${call.operation}: a handler cannot wait for the dispatcher's worker`);
    }
    writeCall(core.memory, core.block + CALLS_OF, call);
    core.leave();
    const cells = new Int32Array(core.memory.buffer, core.block, TEXT / 4);
    const words = new Int32Array(core.memory.buffer, 0, (CALLS + 4) / 4);
    Atomics.store(cells, CALL / 4, ASKED);
    Atomics.add(words, CALLS / 4, 1);
    Atomics.notify(words, CALLS / 4);
    this.wait(cells);
    return this.answer(Atomics.exchange(cells, CALL / 4, NO_CALL));
  }

  wait(cells: Int32Array): void {
    while (Atomics.load(cells, CALL / 4) === ASKED) Atomics.wait(cells, CALL / 4, ASKED);
  }

  private answer(state: number): number {
    const { memory, block } = this.core;
    const view = new DataView(memory.buffer, block);
    if (state === MISUSED) throw misuse(view);
    this.high = view.getFloat64(ANSWER_HIGH, true);
    return view.getFloat64(ANSWER, true);
  }

  /** At once, or inside an access when the outermost has ended: then undefined. Throws as `ask`, and `busy` where too much waits. */
  askOrQueue(call: Call): number | undefined {
    const { core } = this;
    if (core.underway === 0) return this.ask(call);
    const queued = core.cells[QUEUED / 4];
    if (queued === MOST_QUEUED) {
      throw new TraplineError(
        'busy',
        `${call.operation}: ${MOST_QUEUED} changes wait for the end of the access, which is the most`,
      );
    }
    writeCall(core.memory, core.block + CALLS_OF + CALL_SIZE * (1 + queued), call);
    Atomics.store(core.cells, QUEUED / 4, queued + 1);
    return undefined;
  }

  /** The outermost access has ended. */
  flush(): void {
    if (this.core.cells[QUEUED / 4] === 0) return;
    this.ask({ operation: 'nothing', record: 0, sequence: 0, values: [] });
  }
}

/** JSON of code and faults, after its length. */
function misuse(view: DataView): TraplineError {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + TEXT, view.getUint32(TEXT_LENGTH, true));
  const { code, faults } = JSON.parse(new TextDecoder().decode(bytes.slice()));
  return new TraplineError(code, ...faults);
}

/** The other side of it. */
export function writeMisuse(view: DataView, { code, faults }: TraplineError): void {
  const room = view.byteLength - TEXT;
  let bytes = new TextEncoder().encode(JSON.stringify({ code, faults }));
  if (bytes.length > room) {
    bytes = new TextEncoder().encode(JSON.stringify({ code, faults: [faults[0].slice(0, room / 8)] }));
  }
  new Uint8Array(view.buffer, view.byteOffset + TEXT, room).set(bytes);
  view.setUint32(TEXT_LENGTH, bytes.length, true);
}
