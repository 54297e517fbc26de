import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '../src/dispatcher.js';
import { TraplineError } from '../src/errors.js';
import type { AssignedFunction, FunctionDescription } from '../src/function.js';
import type { Bar } from '../src/host.js';
import type { PciFunction } from '../src/pci/function.js';
import { type Policy, policies } from '../src/policy.js';
import { parseSbdf } from '../src/sbdf.js';
import type { Snapshot } from '../src/snapshot.js';
import { engines } from './engines.js';
import { BAR, PBA, SoftwareDevice } from './msix/software-device.js';
import { RecordingHost } from './recording-host.js';
import { type Action, Subject } from './subject.js';
import { history } from './topologies.js';

const RUNS = Number(process.env.RUNS ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`snapshots: SEED=${SEED} RUNS=${RUNS}`);

const wasm = engines[1];
const dispatcherOf = (subject: Subject) => subject.trap as Dispatcher;
const asJson = (snapshot: Snapshot): Snapshot => JSON.parse(JSON.stringify(snapshot));

/** What can happen to a machine whose host does not fail, and comes to the same when it is done twice: both have one host. */
const isOrderly = (action: Action): boolean =>
  action.do !== 'throw' &&
  action.do !== 'batch' &&
  action.do !== 'mapping' &&
  !(action.do === 'guest page' && action.holds === 'other');

/** The functions as first assigned, but decoding nothing: where they are is for the snapshot to say. */
function idle(subject: Subject, actions: readonly Action[]): FunctionDescription[] {
  const descriptions = actions.flatMap((action) => (action.do === 'assign' ? [action.description] : []));
  return dispatcherOf(subject).functions.map((fn) => {
    const found = descriptions.findLast(({ sbdf }) => parseSbdf(sbdf) === fn.sbdf) as FunctionDescription;
    return { ...found, decode: false, bars: found.bars.map((bar) => ({ ...bar, enabled: false })) };
  });
}

describe.each(Object.values(policies).map((policy) => [policy.name, policy] as const))('%s', (_, policy) => {
  it.each(['guest', 'hardware'] as const)(
    'a restored dispatcher of a %s domain goes on as the saved one does',
    (domain) => {
      const property = fc.property(
        history(domain, policy === policies.strict),
        fc.nat(100),
        (all, percent) => {
          const host = new RecordingHost();
          const saved = new Subject(wasm, policy, domain, 'handlers', host);
          const actions = all.filter(isOrderly);
          const cut = Math.floor((actions.length * percent) / 100);
          // An SBDF that is assigned again may get another description: the last that was accepted counts.
          const accepted: Action[] = [];
          for (const action of actions.slice(0, cut)) {
            const { answer } = saved.act(action);
            if (action.do !== 'assign' || answer === 'undefined') accepted.push(action);
          }
          const restored = new Subject(wasm, policy, domain, 'handlers', host);
          for (const description of idle(saved, accepted)) restored.act({ do: 'assign', description });
          for (const [index, { sbdf, ranges }] of dispatcherOf(saved).functions.entries()) {
            for (const { region } of ranges) {
              const number = saved.regions.indexOf(region);
              const address = 0x1_0000_0000 * (index + 1) + 0x10000 * number;
              restored.act({ do: 'place', sbdf, region: number, address });
            }
          }
          const snapshot = asJson(dispatcherOf(saved).save());
          dispatcherOf(restored).restore(snapshot);
          expect(dispatcherOf(restored).save()).toEqual(snapshot);
          expect(restored.state()).toBe(saved.state());
          expect(dispatcherOf(restored).trappedPages).toBe(dispatcherOf(saved).trappedPages);
          for (const action of actions.slice(cut)) {
            const { answer } = saved.act(action);
            expect(restored.act(action).answer, JSON.stringify(action)).toBe(answer);
          }
          expect(restored.state()).toBe(saved.state());
        },
      );
      fc.assert(property, { seed: SEED, numRuns: RUNS });
    },
  );
});

const COMMAND = 4;
const MSIX = 0x62;
const ROM = 0x30;
const AT = 0xfe00_0000;
const device: FunctionDescription = {
  sbdf: '01:00.0',
  bars: [
    { index: 0, type: 'mem64', address: 0x38_0000_0000, size: 0x4000 },
    { index: 2, type: 'mem32', address: AT, size: 0x1000 },
    { index: 3, type: 'io', address: 0xc000, size: 0x20 },
    { index: 6, type: 'rom', address: AT + 0x10000, size: 0x800, enabled: false },
  ],
  msix: { count: 2, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: 0x2800 } },
};
const other: FunctionDescription = {
  sbdf: '02:00.0',
  bars: [{ index: 0, type: 'mem32', address: AT + 0x20000, size: 0x1000 }],
};

function machine(policy: Policy = policies.strict, domain: 'guest' | 'hardware' = 'guest') {
  const host = new RecordingHost();
  const errors: unknown[] = [];
  const dispatcher = createDispatcher({ host, policy, domain, onError: (error) => errors.push(error) });
  const [fn, second] = [device, other].map((description) => dispatcher.assign(description));
  host.take();
  return { host, dispatcher, fn, second, errors };
}

/** Vector 0 armed, vector 1 written and masked, decoding on, COMMAND and interrupt line written. */
function running(...args: Parameters<typeof machine>) {
  const made = machine(...args);
  const { dispatcher, fn } = made;
  fn.config.write(COMMAND, 2, 0x0406);
  fn.config.write(0x3c, 1, 11);
  for (const vector of [0, 1]) {
    const entry = 0x38_0000_2000 + 16 * vector;
    dispatcher.write(entry, 8, 0xfee00000 + 0x1000 * vector, vector);
    dispatcher.write(entry + 8, 4, 0x41 + vector);
  }
  dispatcher.write(0x38_0000_200c, 4, 0);
  fn.config.write(MSIX, 2, 0x8000);
  made.host.take();
  return made;
}

describe('restoring', () => {
  it('tells the host what the guest had done', () => {
    const snapshot = running().dispatcher.save();
    const { host, dispatcher, fn } = machine();
    dispatcher.restore(asJson(snapshot));
    const [vector] = snapshot.functions[0].msix?.entries ?? [];
    expect(host.take()).toEqual([
      'config 256 4 406',
      'config 512 4 0',
      `arm 256 ${JSON.stringify({ index: 0, ...vector, armed: false })}`,
      'intx 256',
      'config 256 62 8001',
    ]);
    expect([fn.config.read(0x3c, 1), fn.config.read(COMMAND, 2), fn.vector(0).armed]).toEqual([
      11,
      0x0406,
      true,
    ]);
    expect(dispatcher.readBig(0x38_0000_2010)).toBe(0x1_fee0_1000n);
  });

  it('ends first what the functions were doing', () => {
    const { host, dispatcher, fn } = running();
    const idleSnapshot = machine().dispatcher.save();
    dispatcher.read(0x38_0000_2100, 4);
    host.take();
    dispatcher.restore(idleSnapshot);
    const calls = host.take();
    expect(calls.map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'unmap 256 3800002000',
      'config 256 4',
      expect.stringContaining('disarm 256'),
      expect.stringContaining('disarm 256'),
      'config 256 62',
      'config 256 4',
      'config 512 4',
    ]);
    expect([fn.decoding, fn.messageControl, dispatcher.trappedPages, fn.config.read(0x3c, 1)]).toEqual([
      false,
      1,
      0,
      0,
    ]);
  });

  it('lets BARs change places', () => {
    const { dispatcher: saved, fn, second } = machine();
    fn.moveBar(2, AT + 0x20000);
    second.moveBar(0, AT);
    for (const one of [fn, second]) one.setDecode(true);
    const { dispatcher } = machine();
    for (const one of dispatcher.functions) one.setDecode(true);
    dispatcher.restore(saved.save());
    expect([AT, AT + 0x20000].map((address) => dispatcher.locate(address)?.fn.sbdf)).toEqual([512, 256]);
  });

  it('disables what Xen left enabled when decoding failed, and enables it where it was saved so', () => {
    const failed = () => {
      const made = machine(policies.xen);
      made.host.guestPages.set(0x38_0000_2000, 'other');
      made.fn.setDecode(true);
      expect([made.fn.decoding, made.fn.bars[0].enabled]).toEqual([false, true]);
      return made;
    };
    const { dispatcher, fn } = failed();
    dispatcher.restore(machine(policies.xen).dispatcher.save());
    expect([fn.bars[0].enabled, dispatcher.trappedPages]).toEqual([false, 0]);
    const { dispatcher: restored, fn: same } = machine(policies.xen);
    restored.restore(failed().dispatcher.save());
    expect([same.decoding, same.bars[0].enabled, restored.trappedPages]).toEqual([false, true, 1]);
  });

  it('keeps a BAR that is being sized', () => {
    const { dispatcher: saved, fn } = machine();
    for (const register of [0x10, 0x14, 0x18, ROM]) fn.config.write(register, 4, 0xffffffff);
    const { dispatcher, fn: restored } = machine();
    dispatcher.restore(asJson(saved.save()));
    const registers = [0x10, 0x14, 0x18, 0x1c, ROM];
    expect(registers.map((register) => restored.config.read(register, 4))).toEqual([
      0xffffc004, 0xffffffff, 0xfffff000, 0xc001, 0xfffff801,
    ]);
  });

  it('keeps a BAR of the hardware domain that is past every address', () => {
    const { dispatcher: saved, fn } = machine(policies.xen, 'hardware');
    fn.config.write(0x14, 4, 0xf0000001);
    const { dispatcher, fn: restored } = machine(policies.xen, 'hardware');
    dispatcher.restore(asJson(saved.save()));
    expect(restored.config.read(0x14, 4)).toBe(0xf0000001);
    expect(dispatcher.save()).toEqual(saved.save());
  });

  it('leaves decoding off where the host has something else in the hole, and says so', () => {
    const { dispatcher: saved, second } = running();
    second.setDecode(true);
    const { host, dispatcher, fn, second: after } = machine();
    host.guestPages.set(0x38_0000_2000, 'other');
    dispatcher.restore(saved.save());
    expect([fn.decoding, fn.bars.some(({ enabled }) => enabled), fn.config.read(COMMAND, 2)]).toEqual([
      false,
      false,
      0x0404,
    ]);
    expect([dispatcher.counts['hole-occupied'], after.decoding, fn.messageControl]).toEqual([
      1,
      true,
      0x8001,
    ]);
  });

  it('goes on where the host throws, and says so', () => {
    const snapshot = running().dispatcher.save();
    for (let at = 1; at <= 5; at++) {
      const { host, dispatcher, errors } = machine();
      host.throwAt = at;
      dispatcher.restore(snapshot);
      expect(errors).toHaveLength(1);
      host.throwAt = 0;
      dispatcher.restore(snapshot);
      expect(dispatcher.save()).toEqual(snapshot);
    }
  });

  it.each(['disarmVector', 'armVector', 'writeConfig'] as const)(
    'leaves a function alone that %s deassigns on the way, and whose memory is another one then',
    (method) => {
      const { dispatcher, host, errors } = running();
      const snapshot = dispatcher.save();
      const original = host[method].bind(host) as (...args: unknown[]) => void;
      let next: AssignedFunction | undefined;
      Object.assign(host, {
        [method](...args: unknown[]) {
          original(...args);
          const [fn] = dispatcher.functions;
          if (next || (fn as PciFunction).switching) return;
          dispatcher.deassign(fn.sbdf);
          next = dispatcher.assign({ ...device, sbdf: '03:00.0' });
        },
      });
      dispatcher.restore(snapshot);
      expect(errors).toEqual([]);
      expect(dispatcher.functions.map(({ sbdf }) => sbdf)).toEqual([0x200, 0x300]);
      expect([dispatcher.trappedPages, dispatcher.locate(AT)]).toEqual([0, undefined]);
      for (const index of [0, 1]) {
        expect(next?.vector(index)).toMatchObject({ addressLow: 0, data: 0, masked: true, updated: false });
      }
    },
  );

  it('moves the physical BARs of the hardware domain', () => {
    const { dispatcher: saved, fn } = machine(policies.xen, 'hardware');
    fn.moveBar(2, 0xd000_0000);
    const { host, dispatcher, fn: restored } = machine(policies.xen, 'hardware');
    const physical = new Map<number, number>();
    Object.assign(host, {
      moveBar: (sbdf: number, { index, hostAddress }: Bar) =>
        sbdf === restored.sbdf && physical.set(index, hostAddress),
    });
    dispatcher.restore(saved.save());
    expect(restored.bars[1]).toMatchObject({ address: 0xd000_0000, hostAddress: 0xd000_0000 });
    expect(physical.get(2)).toBe(0xd000_0000);
    restored.reset();
    expect(physical.get(2)).toBe(AT);
    expect(restored.bars[1]).toMatchObject({ address: AT, hostAddress: AT });
  });
});

describe('of a software function', () => {
  const saved = () => {
    const source = new SoftwareDevice().start();
    for (const vector of [0, 1]) source.setMask(vector, true);
    for (const vector of [0, 1]) source.interrupts.raise(vector);
    return asJson(source.dispatcher.save());
  };
  type Msix = NonNullable<Snapshot['functions'][0]['msix']>;
  const changed = (change: (msix: Msix) => Partial<Msix>): Snapshot => {
    const snapshot = saved();
    const [fn] = snapshot.functions;
    return {
      ...snapshot,
      functions: [{ ...fn, msix: { ...(fn.msix as Msix), ...change(fn.msix as Msix) } }],
    };
  };
  const unmasked = ({ entries }: Msix) => entries.map((entry) => ({ ...entry, masked: false }));
  let target: SoftwareDevice;
  beforeEach(() => {
    target = new SoftwareDevice();
  });

  it('pending bits, uses and entries come back', () => {
    target.dispatcher.restore(saved());
    expect(target.told()).toEqual([]);
    expect(target.dispatcher.save()).toEqual(saved());
    expect(target.dispatcher.readBig(BAR + PBA)).toBe(3n);
    expect(target.interrupts.raise(0)).toBe('pending');
  });

  it('what is pending and not masked is sent, once', () => {
    target.dispatcher.restore(changed((msix) => ({ entries: [unmasked(msix)[0], msix.entries[1]] })));
    expect(target.told()).toEqual(['unmasked 0', 'send 0 40']);
    expect([0, 1].map((vector) => target.interrupts.pending(vector))).toEqual([false, true]);
    target.control(true, true);
    target.control(true);
    expect(target.sent()).toEqual([]);
  });

  it.each([0, 0x4000, 0x8000, 0xc000])(
    'with Message Control %i what is pending is sent as soon as nothing masks it',
    (control) => {
      target.dispatcher.restore(changed((msix) => ({ control: control | 1, entries: unmasked(msix) })));
      const both = ['send 0 40', 'send 1 41'];
      expect(target.sent()).toEqual(control === 0x8000 ? both : []);
      expect(target.fn.messageControl).toBe(control | 1);
      target.control(true);
      expect(target.sent()).toEqual(control === 0x8000 ? [] : both);
    },
  );

  it('is left alone when ending its legacy interrupt deassigns it', () => {
    const host = { mapPage: () => null, disableIntx: () => target.dispatcher.deassign(8) };
    target = new SoftwareDevice({ host });
    target.dispatcher.restore(saved());
    expect([target.errors, target.dispatcher.functions, target.told()]).toEqual([[], [], []]);
  });

  it('replaces what was there, which is masked first', () => {
    target.start();
    target.setMask(0, true);
    target.interrupts.raise(0);
    target.told();
    target.dispatcher.restore(
      changed(({ entries }) => ({
        entries: [entries[0], { ...entries[1], data: 0x99, masked: false }],
        pending: [1],
      })),
    );
    expect(target.told()).toEqual(['masked 1', 'unmasked 1', 'send 1 99']);
    expect([0, 1].map((vector) => target.interrupts.pending(vector))).toEqual([false, false]);
  });

  it('an entry that is armed is refused: nothing is', () => {
    const armed = changed(({ entries }) => ({ entries: [entries[0], { ...entries[1], armed: true }] }));
    expect(() => target.dispatcher.restore(armed)).toThrow(
      'functions[0].msix.entries[1].armed true is of a software function, which arms nothing',
    );
  });

  it.each([
    ['pending', [2], /msix.pending \[2\] is not a list of vectors below 2/],
    ['pending', undefined, /msix.pending undefined is not a list/],
    ['uses', [1], /msix.uses \[1\] is not a list of 2/],
    ['uses', [1, -1], /msix.uses \[1,-1\] is not a list of 2 integers/],
  ])('refuses %s %j', (field, value, rule) => {
    const before = target.dispatcher.save();
    expect(() => target.dispatcher.restore(changed(() => ({ [field]: value })))).toThrow(rule);
    expect(target.dispatcher.save()).toEqual(before);
  });
});

describe('refuses, changing nothing,', () => {
  const good = asJson(running().dispatcher.save());
  /** A copy with something else at a path. */
  const changed = (path: string, value: unknown): unknown => {
    const copy = JSON.parse(JSON.stringify(good));
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
    const last = steps.pop() as string;
    const holder = steps.reduce((at, step) => at[step], copy);
    holder[last] = value;
    return copy;
  };
  const refusal = (snapshot: unknown): TraplineError => {
    const { host, dispatcher } = machine();
    const before = dispatcher.save();
    try {
      dispatcher.restore(snapshot);
    } catch (error) {
      expect(error).toBeInstanceOf(TraplineError);
      expect((error as TraplineError).code).toBe('bad-snapshot');
      expect([dispatcher.save(), host.take()]).toEqual([before, []]);
      return error as TraplineError;
    }
    throw new Error('restored');
  };

  it.each([undefined, null, 1, 'text', []])('%j', (value) => {
    expect(refusal(value).message).toBe('restore: the snapshot is not an object');
  });

  const config = good.functions[0].config;
  it.each<[string, unknown, string]>([
    ['version', 1, 'version 1 is not 2'],
    ['policy', 'xen', 'policy "xen" is not strict'],
    ['domain', 'hardware', 'domain "hardware" is not guest'],
    ['functions', {}, 'functions {} is not a list of 2'],
    ['functions', good.functions.slice(1), 'is not a list of 2, the functions assigned'],
    ['functions[1]', 3, 'functions[1] 3 is not of 0000:02:00.0'],
    ['functions[1].sbdf', '0000:03:00.0', 'functions[1] "0000:03:00.0" is not of 0000:02:00.0'],
    ['functions[0].config', 5, 'config 5 is not 256 bytes'],
    ['functions[0].config', config.slice(2), 'config "510 digits" is not 256 bytes'],
    ['functions[0].config', config.replace('f', 'g'), 'config "512 digits" is not 256 bytes'],
    ['functions[0].config', config.replace('ff', 'fe'), 'config[0x0] "fe" differs'],
    ['functions[0].command', 0x0002, 'command 2 is not within 0x77d'],
    ['functions[0].command', 0x10000, 'command 65536 is not within'],
    ['functions[0].decoding', 1, 'decoding 1 is not true or false'],
    ['functions[0].bars', [], 'bars [] is not a list of 4'],
    ['functions[0].bars[0]', null, 'bars[0] null is not an object'],
    ['functions[0].bars[0].index', 1, 'bars[0].index 1 is not 0'],
    ['functions[0].bars[0].type', 'mem32', 'bars[0].type "mem32" is not mem64'],
    ['functions[0].bars[0].size', 0x8000, 'bars[0].size 32768 is not 16384'],
    ['functions[0].bars[0].low', 8, 'bars[0].low 8 is not a multiple of 16'],
    ['functions[0].bars[2].low', 2, 'bars[2].low 2 is not a multiple of 4'],
    ['functions[0].bars[0].low', 2 ** 32, 'bars[0].low 4294967296 is not'],
    ['functions[0].bars[0].high', -1, 'bars[0].high -1 is not an integer'],
    ['functions[0].bars[0].enabled', 'yes', 'bars[0].enabled "yes" is not true or false'],
    ['functions[0].bars[2].enabled', true, 'bars[2].enabled true is of an I/O BAR'],
    ['functions[0].bars[3].enabled', true, 'bars[3].enabled true is of a ROM whose enable bit is clear'],
    ['functions[0].bars[3].romEnable', undefined, 'bars[3].romEnable undefined is not true or false'],
    ['functions[0].bars[0].romEnable', true, 'bars[0].romEnable true is of no ROM'],
    ['functions[0].bars[0].hostMoved', 1, 'bars[0].hostMoved 1 is not true or false'],
    ['functions[0].bars[0].hostMoved', true, 'bars[0].hostMoved true is of a guest domain'],
    ['functions[0].decoding', false, 'bars[0].enabled true is of a function that does not decode'],
    ['functions[0].msix', null, 'msix null is not an object'],
    ['functions[1].msix', {}, 'msix {} is not null: the function has no MSI-X'],
    ['functions[0].msix.table', { bir: 2, offset: 0x2000 }, 'is not BIR 0, offset 8192'],
    ['functions[0].msix.pba', 0, 'msix.pba 0 is not BIR 0, offset 10240'],
    ['functions[0].msix.control', 0x8002, 'msix.control 32770 is not a Message Control of 2 entries'],
    ['functions[0].msix.control', 0x2001, 'msix.control 8193 is not'],
    ['functions[0].msix.entries', [], 'msix.entries [] is not a list of 2'],
    ['functions[0].msix.entries[1]', 0, 'msix.entries[1] 0 is not an object'],
    ['functions[0].msix.entries[1].data', -1, 'msix.entries[1].data -1 is not an integer'],
    ['functions[0].msix.entries[1].addressLow', 2 ** 32, 'entries[1].addressLow 4294967296 is not'],
    ['functions[0].msix.entries[1].addressHigh', 0.5, 'entries[1].addressHigh 0.5 is not'],
    ['functions[0].msix.entries[0].masked', 0, 'entries[0].masked 0 is not true or false'],
    ['functions[0].msix.entries[0].updated', null, 'entries[0].updated null is not'],
    ['functions[0].msix.entries[0].armed', 'no', 'entries[0].armed "no" is not'],
    ['functions[0].msix.pending', [], 'msix.pending [] is of a real function'],
    ['functions[0].msix.uses', [0, 0], 'msix.uses [0,0] is of a real function'],
  ])('%s as %j', (path, value, rule) => {
    const error = refusal(changed(path, value));
    expect(error.message).toContain(rule);
  });

  it('BARs that overlap, under strict', () => {
    const snapshot = changed('functions[1].bars[0]', {
      ...good.functions[1].bars[0],
      low: AT,
      enabled: true,
    }) as Snapshot;
    const overlapping = {
      ...snapshot,
      functions: [snapshot.functions[0], { ...snapshot.functions[1], decoding: true }],
    };
    expect(refusal(overlapping).faults).toEqual([
      `restore: functions[1].bars[0] ${AT} overlaps functions[0].bars[1]`,
    ]);
  });

  it('all that is wrong, in one error', () => {
    const snapshot = changed('functions[0].bars[1]', { index: 9, type: 'io', size: 1 });
    expect(refusal(snapshot).faults).toHaveLength(6);
  });
});
