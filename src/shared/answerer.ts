import {
  ANSWER,
  ANSWER_HIGH,
  ANSWERED,
  ASKED,
  BLOCK_SIZE,
  CALL,
  CALL_SIZE,
  CALLS_OF,
  LEFT,
  MISUSED,
  QUEUED,
  SBDF,
  SEQUENCE,
} from '../../assembly/layout.js';
import type { Width } from '../access.js';
import { TraplineError } from '../errors.js';
import type { DecodeResult } from '../function.js';
import type { Raised } from '../msix/device-model.js';
import type { PciFunction } from '../pci/function.js';
import { type Call, readCall } from './call.js';
import { writeMisuse } from './caller.js';
import type { SharedDispatcher } from './dispatcher.js';
import type { SharedDomain } from './domain.js';

// What throws is answered 0.
export const DECODE_RESULTS: readonly DecodeResult[] = ['fail', 'okay', 'noop'];
export const RAISED: readonly Raised[] = ['dropped', 'pending', 'sent'];

/** Does what other workers ask, in the worker that made the dispatcher. */
export class Answerer {
  private readonly dispatcher: SharedDispatcher;
  private readonly domain: SharedDomain;
  private high = 0;

  constructor(dispatcher: SharedDispatcher, domain: SharedDomain) {
    this.dispatcher = dispatcher;
    this.domain = domain;
  }

  /** How many workers were answered, or have left. */
  serve(): number {
    const { core } = this.domain;
    let served = 0;
    for (const place of core.workers.attached) {
      const { block } = place;
      const call = (block + CALL) / 4;
      if (Atomics.load(core.words, call) === ASKED) {
        const state = this.answer(block);
        Atomics.store(core.words, call, state);
        Atomics.notify(new Int32Array(core.memory.buffer), call);
        served++;
      }
      if (Atomics.load(core.words, (block + LEFT) / 4) !== 0) {
        this.runQueue(block);
        core.workers.remove(place);
        served++;
      }
    }
    return served;
  }

  private answer(block: number): number {
    const { core } = this.domain;
    this.runQueue(block);
    const call = readCall(core.memory, block + CALLS_OF);
    this.high = 0;
    let answer = 0;
    try {
      answer = this.carryOut(call);
    } catch (error) {
      if (error instanceof TraplineError) {
        writeMisuse(new DataView(core.memory.buffer, block, BLOCK_SIZE), error);
        return MISUSED;
      }
      this.domain.failed(core.words[(call.record + SBDF) / 4], error);
    }
    const view = new DataView(core.memory.buffer, block, BLOCK_SIZE);
    view.setFloat64(ANSWER, answer, true);
    view.setFloat64(ANSWER_HIGH, this.high, true);
    return ANSWERED;
  }

  /** What its handlers asked for: `onError` hears of misuse, as nobody waits for the answer. */
  private runQueue(block: number): void {
    const { core } = this.domain;
    const count = core.words[(block + QUEUED) / 4];
    core.words[(block + QUEUED) / 4] = 0;
    for (let index = 1; index <= count; index++) {
      const call = readCall(core.memory, block + CALLS_OF + CALL_SIZE * index);
      try {
        if (this.functionOf(call)) this.carryOut(call);
      } catch (error) {
        this.domain.failed(core.words[(call.record + SBDF) / 4], error);
      }
    }
  }

  /** Undefined: the function is not assigned any more. */
  private functionOf({ record, sequence }: Call): PciFunction | undefined {
    const { words } = this.domain.core;
    if (words[(record + SEQUENCE) / 4] !== sequence) return undefined;
    return this.domain.functions.get(words[(record + SBDF) / 4]);
  }

  private assigned(call: Call): PciFunction {
    const fn = this.functionOf(call);
    if (fn) return fn;
    throw new TraplineError('unknown-function', `${call.operation}: the function is not assigned any more`);
  }

  private carryOut(call: Call): number {
    const { dispatcher, domain } = this;
    const [a, b, c, d] = call.values;
    switch (call.operation) {
      case 'nothing':
        return 0;
      case 'read': {
        const value = dispatcher.read(a, b as Width);
        this.high = dispatcher.high;
        return value;
      }
      case 'write':
        return dispatcher.write(a, b as Width, c, d) ? 1 : 0;
      case 'allocate': {
        const block = domain.core.allocate(a);
        domain.core.bytes.fill(0, block, block + a);
        return block;
      }
      case 'find':
        return this.find(a);
      case 'vector': {
        const fn = this.functionOf(call);
        if (fn) domain.maskChanged(fn, a);
        return 0;
      }
      case 'setDecode':
        return DECODE_RESULTS.indexOf(this.assigned(call).setDecode(a === 1));
      case 'moveBar':
        return this.assigned(call).moveBar(a, b) ? 1 : 0;
      case 'writeMessageControl':
        this.assigned(call).writeMessageControl(a);
        return 0;
      case 'config.read':
        return this.assigned(call).config.read(a, b);
      case 'config.write':
        this.assigned(call).config.write(a, b, c);
        return 0;
      case 'raise':
        return RAISED.indexOf(this.assigned(call).interrupts?.raise(a) ?? 'dropped');
    }
  }

  /** The function's record, its SEQUENCE as the high lane; 0: it is not assigned. */
  private find(sbdf: number): number {
    const { core, functions } = this.domain;
    if (!functions.has(sbdf)) return 0;
    const record = core.records.of(sbdf);
    this.high = core.words[(record + SEQUENCE) / 4];
    return record;
  }
}
