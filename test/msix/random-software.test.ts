import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import { DOORS, openDoors } from '../../src/conform/doors.js';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from '../../src/dispatcher.js';
import { TraplineError } from '../../src/errors.js';
import type { SoftwareFunction } from '../../src/function.js';
import type { Message } from '../../src/msix/message.js';
import { type Policy, policies } from '../../src/policy.js';
import { createDispatcher as createShared } from '../../src/shared.js';
import type { Snapshot } from '../../src/snapshot.js';
import type { RegionDoor } from '../../src/vfio/door.js';
import { errno } from '../../src/vfio/errno.js';
import { regionOffset } from '../../src/vfio/region.js';
import { ReferenceSoftwareMsix } from '../reference/software-msix.js';

const RUNS = Number(process.env.RUNS ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`random software functions: SEED=${SEED} RUNS=${RUNS}`);

const SBDF = 8;
const BAR = 0xfe000000;
const SIZE = 0x8000;
const TABLE = 0x1000;
const PBA = 0x4000;
/** On the page of the table. */
const REGISTERS = 0x1800;
const CONFIG = 7;
const CONTROL = 0x62;
const TWO_32 = 1n << 32n;

/** By JavaScript, by the dispatcher's other doors, as records of a ring of eight, or through the door to the regions. */
const ways = ['dispatcher', ...DOORS] as const;
type Way = (typeof ways)[number];

const byDispatcher = { way: fc.constantFrom(...ways) };
/** Mostly one that there is: of the first 70, the rest of a division by their number. */
const vector = fc.oneof(
  { weight: 9, arbitrary: fc.nat(69) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 70) },
);
const word = fc.oneof(fc.constantFrom(0, 0, 1, 0xffffffff), fc.nat(0xffffffff));
const wide = fc.tuple(word, word).map(([low, high]) => BigInt(low) + BigInt(high) * TWO_32);
/** Aligned, and of one or two fields. */
const field = fc
  .tuple(fc.nat(69), fc.constantFrom([0, 4], [4, 4], [8, 4], [12, 4], [12, 4], [0, 8], [8, 8]))
  .map(([index, [offset, width]]) => ({ index, offset, width }));

const done = <T extends string>(name: T) => fc.record({ do: fc.constant(name) });
const of = <T extends string, R extends object>(name: T, model: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ do: fc.constant(name), ...model }) as unknown as fc.Arbitrary<{ do: T } & R>;

const command = fc.oneof(
  { weight: 18, arbitrary: of('write', { ...byDispatcher, field, value: wide }) },
  { weight: 6, arbitrary: of('read', { ...byDispatcher, field }) },
  {
    weight: 6,
    arbitrary: of('pending bits', { ...byDispatcher, at: fc.nat(1), width: fc.constantFrom(4, 8) }),
  },
  { weight: 1, arbitrary: of('write pending bits', { ...byDispatcher, value: wide }) },
  { weight: 4, arbitrary: of('register', { ...byDispatcher, at: fc.nat(7), value: wide }) },
  {
    weight: 14,
    arbitrary: of('control', {
      how: fc.constantFrom('config', 'config byte', 'writeMessageControl', 'region'),
      value: fc.constantFrom(0x8000, 0x8000, 0x8000, 0xc000, 0x4000, 0, 0xffff),
    }),
  },
  {
    weight: 2,
    arbitrary: of('decode', {
      how: fc.constantFrom('config', 'setDecode', 'region'),
      on: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 1, arbitrary: of('move', { slot: fc.nat(7) }) },
  { weight: 18, arbitrary: of('raise', { vector }) },
  {
    weight: 10,
    arbitrary: of('interrupts', {
      method: fc.constantFrom('use', 'unuse', 'unuse', 'clearPending', 'pending', 'masked'),
      vector,
    }),
  },
  { weight: 1, arbitrary: done('useAll') },
  { weight: 1, arbitrary: done('unuseAll') },
  { weight: 1, arbitrary: done('reset') },
  { weight: 1, arbitrary: done('open') },
  { weight: 1, arbitrary: done('close') },
  {
    weight: 4,
    arbitrary: of('regions', { what: fc.constantFrom('table', 'pending bits', 'control', 'reset') }),
  },
  { weight: 1, arbitrary: done('save') },
  { weight: 1, arbitrary: done('restore') },
  { weight: 1, arbitrary: done('assign anew') },
);
type Command = typeof command extends fc.Arbitrary<infer One> ? One : never;

/** A dispatcher with one software function, and a model beside it; `told` are what device model and host hear. */
class Machine {
  private readonly dispatcher: Dispatcher;
  private readonly count: number;
  private readonly doors: ReturnType<typeof openDoors>;
  private readonly registers = new Uint8Array(SIZE);
  private fn: SoftwareFunction;
  private region: RegionDoor | undefined;
  private saved:
    | { readonly text: string; readonly known: object; readonly at: number; readonly on: boolean }
    | undefined;
  private heard: string[] = [];

  private known: ReferenceSoftwareMsix;
  private expected: string[] = [];
  private address = BAR;
  private decoding = false;

  constructor(
    create: (options: DispatcherOptions) => Dispatcher,
    policy: Policy,
    domain: 'guest' | 'hardware',
    count: number,
  ) {
    this.count = count;
    this.dispatcher = create({
      policy,
      domain,
      host: {
        mapPage: (address) => {
          const offset = (address - BAR) % SIZE;
          return this.registers.subarray(offset, offset + 0x1000);
        },
        disableIntx: () => this.heard.push('intx'),
      },
      onError: (error) => {
        throw error;
      },
    });
    this.doors = openDoors(this.dispatcher);
    this.fn = this.assigned();
    this.known = this.reference();
  }

  /** The same as the model answers, and as it tells. */
  act(one: Command): void {
    const told = fc.stringify(one);
    const expected = this.answerOf(one);
    expect(this.answer(one), told).toEqual(expected);
    expect(this.heard, told).toEqual(this.expected);
    this.heard = [];
    this.expected = [];
    expect(this.fn.messageControl, told).toBe(this.known.control);
    expect(this.fn.decoding, told).toBe(this.decoding);
    expect(this.fn.bars[0].address, told).toBe(this.address);
  }

  private assigned(): SoftwareFunction {
    const message = ({ addressLow, addressHigh, data }: Message) =>
      `${(BigInt(addressLow) + BigInt(addressHigh) * TWO_32).toString(16)} ${data.toString(16)}`;
    return this.dispatcher.assign({
      sbdf: SBDF,
      bars: [{ index: 0, type: 'mem32', address: BAR, size: SIZE }],
      msix: { count: this.count, table: { bir: 0, offset: TABLE }, pba: { bir: 0, offset: PBA } },
      software: {
        send: (sent, vector) => this.heard.push(`send ${vector} ${message(sent)}`),
        poll: (first, end) => this.heard.push(`poll ${first} ${end}`),
        onVectorUnmasked: (vector, sent) => this.heard.push(`unmasked ${vector} ${message(sent)}`),
        onVectorMasked: (vector) => this.heard.push(`masked ${vector}`),
        onReset: () => this.heard.push('reset'),
      },
    });
  }

  private reference(): ReferenceSoftwareMsix {
    return new ReferenceSoftwareMsix(this.count, (call) => this.expected.push(call));
  }

  private vectorOf(vector: number): number {
    return vector < 0 || vector === 70 ? vector : vector % this.count;
  }

  private wordsOf(index: number, offset: number, width: number): number[] {
    const at = 16 * (index % this.count) + offset;
    return width === 8 ? [at, at + 4] : [at];
  }

  private answer(one: Command): unknown {
    const { fn, dispatcher, region } = this;
    switch (one.do) {
      case 'write': {
        const [at] = this.wordsOf(one.field.index, one.field.offset, one.field.width);
        return this.write(one.way, TABLE + at, one.field.width, one.value);
      }
      case 'read': {
        const [at] = this.wordsOf(one.field.index, one.field.offset, one.field.width);
        return this.read(one.way, TABLE + at, one.field.width);
      }
      case 'pending bits':
        return this.read(one.way, PBA + ((one.at * one.width) % this.pbaSize), one.width);
      case 'write pending bits':
        return this.write(one.way, PBA, 8, one.value);
      case 'register':
        return [
          this.write(one.way, REGISTERS + 8 * one.at, 8, one.value),
          this.read(one.way, REGISTERS + 8 * one.at, 8),
        ];
      case 'control':
        if (one.how === 'config byte') fn.config.write(CONTROL + 1, 1, one.value >> 8);
        else if (one.how === 'config') fn.config.write(CONTROL, 2, one.value);
        else if (one.how === 'writeMessageControl' || !region) fn.writeMessageControl(one.value);
        else
          return region.pwrite(
            regionOffset(CONFIG) + CONTROL,
            Uint8Array.of(one.value & 0xff, one.value >> 8),
          );
        return fn.config.read(CONTROL, 2);
      case 'decode': {
        const value = Uint8Array.of(one.on ? 2 : 0, 0);
        if (one.how === 'region' && region) return region.pwrite(regionOffset(CONFIG) + 4, value);
        if (one.how === 'setDecode') return fn.setDecode(one.on);
        fn.config.write(4, 2, one.on ? 2 : 0);
        return fn.config.read(4, 2) & 2;
      }
      case 'move':
        return fn.moveBar(0, BAR + SIZE * one.slot);
      case 'raise':
        return fn.interrupts.raise(this.vectorOf(one.vector));
      case 'interrupts':
        return fn.interrupts[one.method as 'use'](this.vectorOf(one.vector));
      case 'useAll':
      case 'unuseAll':
        return fn.interrupts[one.do]();
      case 'reset':
        return fn.reset();
      case 'open': {
        const opened = dispatcher.openRegions(SBDF);
        if (typeof opened === 'number') return opened;
        this.region = opened;
        return 0;
      }
      case 'close':
        this.region = undefined;
        return region?.close();
      case 'regions': {
        if (!region) return undefined;
        const into = new Uint8Array(8);
        if (one.what === 'reset') return region.reset();
        if (one.what === 'table') return [region.pread(TABLE, into), [...into]];
        if (one.what === 'pending bits') return [region.pread(PBA, into), [...into]];
        return [region.pread(regionOffset(CONFIG) + CONTROL, into.subarray(0, 2)), into[0] + 256 * into[1]];
      }
      case 'save': {
        const text = JSON.stringify(dispatcher.save());
        this.saved = { text, known: this.known.save(), at: this.address, on: this.decoding };
        return undefined;
      }
      case 'restore':
        return this.saved && dispatcher.restore(JSON.parse(this.saved.text) as Snapshot);
      case 'assign anew': {
        dispatcher.deassign(SBDF);
        const gone = [
          codeOf(() => fn.interrupts.raise(0)),
          codeOf(() => fn.reset()),
          codeOf(() => dispatcher.deassign(SBDF)),
          region?.pread(0, new Uint8Array(1)),
        ];
        this.region = undefined;
        this.fn = this.assigned();
        return [...gone, dispatcher.functions.length, dispatcher.find(SBDF) === this.fn];
      }
    }
  }

  private get pbaSize(): number {
    return 8 * Math.ceil(this.count / 64);
  }

  private write(way: Way, offset: number, width: number, value: bigint): boolean {
    const [low, high] = [Number(value % TWO_32), Number(value / TWO_32)];
    const door = way === 'dispatcher' ? this.dispatcher : this.doors[way];
    return door.write(this.address + offset, width as Width, low, width === 8 ? high : 0);
  }

  private read(way: Way, offset: number, width: number): bigint | undefined {
    const door = way === 'dispatcher' ? this.dispatcher : this.doors[way];
    const low = door.read(this.address + offset, width as Width);
    if (low === UNCLAIMED) return undefined;
    return BigInt(low) + (width === 8 ? BigInt(door.high) * TWO_32 : 0n);
  }

  private answerOf(one: Command): unknown {
    const { known, decoding, region } = this;
    switch (one.do) {
      case 'write': {
        if (!decoding) return false;
        for (const [number, at] of this.wordsOf(
          one.field.index,
          one.field.offset,
          one.field.width,
        ).entries()) {
          known.writeWord(at, number === 0 ? one.value % TWO_32 : one.value / TWO_32);
        }
        return true;
      }
      case 'read': {
        if (!decoding) return undefined;
        const words = this.wordsOf(one.field.index, one.field.offset, one.field.width);
        return words.reduceRight((value, at) => value * TWO_32 + known.readWord(at), 0n);
      }
      case 'pending bits':
        return decoding ? known.readPending((one.at * one.width) % this.pbaSize, one.width) : undefined;
      case 'write pending bits':
        return decoding;
      case 'register':
        return decoding ? [true, one.value] : [false, undefined];
      case 'control': {
        const value = one.how === 'config byte' ? one.value & 0xff00 : one.value;
        known.writeControl(value);
        return one.how === 'region' && region ? 2 : known.control;
      }
      case 'decode': {
        const before = decoding;
        this.decoding = one.on;
        if (one.how === 'region' && region) return 2;
        if (one.how === 'setDecode') return before === one.on ? 'noop' : 'okay';
        return one.on ? 2 : 0;
      }
      case 'move':
        if (decoding) return false;
        this.address = BAR + SIZE * one.slot;
        return true;
      case 'raise':
        return known.raise(this.vectorOf(one.vector));
      case 'interrupts':
        return known[one.method as 'use'](this.vectorOf(one.vector));
      case 'useAll':
      case 'unuseAll':
        return known[one.do]();
      case 'reset':
        this.resets();
        return true;
      case 'open':
        if (region) return errno.EBUSY;
        this.resets();
        return 0;
      case 'close':
        if (region) this.resets();
        return undefined;
      case 'regions': {
        if (!region) return undefined;
        if (one.what === 'reset') {
          this.resets();
          return 0;
        }
        if (one.what === 'table') return [8, Array(8).fill(0xff)];
        if (one.what === 'control') return [2, known.control];
        if (!decoding) return [errno.EIO, Array(8).fill(0)];
        const bits = known.readPending(0, 8);
        return [8, Array.from({ length: 8 }, (_, byte) => Number((bits >> BigInt(8 * byte)) & 0xffn))];
      }
      case 'save':
        return undefined;
      case 'restore': {
        const { saved } = this;
        if (!saved) return undefined;
        known.reset();
        this.address = saved.at;
        this.decoding = saved.on;
        known.restore(saved.known);
        return undefined;
      }
      case 'assign anew': {
        if (region) this.resets();
        this.known = this.reference();
        this.address = BAR;
        this.decoding = false;
        const gone = region ? errno.ENODEV : undefined;
        return ['unknown-function', 'unknown-function', 'unknown-function', gone, 1, true];
      }
    }
  }

  private resets(): void {
    this.known.reset();
    this.address = BAR;
    this.decoding = false;
    this.expected.push('reset');
  }
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof TraplineError) return error.code;
  }
  return 'none';
}

const builds = [
  ['trapline', createDispatcher],
  ['trapline/shared', (options: DispatcherOptions) => createShared({ ...options, shared: true })],
] as const;

describe.each(builds)('a software function of %s does as the model', (_, create) => {
  it.each(
    Object.values(policies).flatMap((policy) =>
      (['guest', 'hardware'] as const).map((domain) => [policy.name, domain, policy] as const),
    ),
  )('under %s, in a %s domain', (_name, domain, policy) => {
    const property = fc.property(
      fc.constantFrom(1, 1, 2, 3, 8, 9, 64, 65, 70),
      fc.array(command, { minLength: 30, maxLength: 120, size: 'max' }),
      (count, commands) => {
        const machine = new Machine(create, policy, domain, count);
        for (const one of [{ do: 'useAll' }, { do: 'decode', how: 'config', on: true }, ...commands]) {
          machine.act(one as Command);
        }
      },
    );
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});
