import type { Trap } from '../../src/dispatcher.js';
import { createDispatcher } from '../../src/dispatcher.js';
import type { FunctionDescription, SoftwareFunction, TrappedFunction } from '../../src/function.js';
import { type Policy, policies } from '../../src/policy.js';
import { doors, type Engine, engines } from '../engines.js';
import { RecordingHost } from '../recording-host.js';

export const BAR = 0xfe000000;
export const SBDF = 8;
export const CAPABILITY = 0x60;

/** BAR 0 of 64 KiB; a table of 3 entries and the PBA, registers around both. */
export const description: FunctionDescription = {
  sbdf: SBDF,
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x10000 }],
  msix: { count: 3, table: { bir: 0, offset: 0x2100 }, pba: { bir: 0, offset: 0x3200 } },
  decode: true,
};

export interface Machine {
  readonly trap: Trap;
  readonly host: RecordingHost;
  readonly fn: TrappedFunction;
  /** Host calls since the last time; the messages that a software function sent are among them. */
  calls(): string[];
}

type Domain = 'hardware' | 'guest';

/** Passed through with an engine, or a software function behind a dispatcher's door. */
export class Kind {
  readonly name: string;
  readonly software: boolean;
  private readonly engine: Engine;

  constructor(engine: Engine, software: boolean) {
    this.engine = engine;
    this.software = software;
    this.name = `${software ? 'software' : 'passed through'}, ${engine.name}`;
  }

  /** An empty machine, of a guest domain unless asked otherwise; pages are plain memory on demand. */
  machine(policy: Policy, plain = false, domain: Domain = 'guest'): Omit<Machine, 'fn'> {
    const host = new RecordingHost(plain);
    const onError = (error: unknown) => host.note(`onError: ${error}`);
    const trap = this.engine.create({ host, policy, domain, onError });
    return { trap, host, calls: () => host.take() };
  }

  /** With the function assigned; what assigning called is forgotten. */
  start(
    change: Partial<FunctionDescription> = {},
    policy = policies.strict,
    plain = false,
    domain: Domain = 'guest',
  ): Machine {
    const machine = this.machine(policy, plain, domain);
    const fn = machine.trap.assign(this.description({ ...description, ...change }, machine.host));
    machine.calls();
    return { ...machine, fn };
  }

  description(of: FunctionDescription, host: RecordingHost): FunctionDescription {
    const send = ({ data }: { data: number }, vector: number) => host.note(`send ${vector} ${data}`);
    return this.software ? { ...of, software: { send } } : of;
  }
}

export const passedThrough: readonly Kind[] = [...engines, ...doors].map((engine) => new Kind(engine, false));

export const software: readonly Kind[] = [{ name: 'wasm', create: createDispatcher }, ...doors].map(
  (engine) => new Kind(engine, true),
);

export const all: readonly Kind[] = [...passedThrough, ...software];

/** The model's side of a software function. */
export const interruptsOf = ({ fn }: Machine): SoftwareFunction['interrupts'] =>
  (fn as SoftwareFunction).interrupts;

/** All that the guest wrote to the table. */
export const entriesOf = ({ fn }: Machine): unknown[] =>
  Array.from({ length: fn.msix?.count ?? 0 }, (_, index) => {
    const { addressLow, addressHigh, data, masked } = fn.vector(index);
    return { addressLow, addressHigh, data, masked };
  });
