import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ControllerState } from '../../../examples/nvme/controller.js';
import { PBA } from '../../../examples/nvme/nvme.js';
import { BLOCK, BufferStorage } from '../../../examples/nvme/storage.js';
import {
  AQA,
  ASQ,
  BAR,
  BLOCKS,
  CC,
  CC_ENABLED,
  CSTS,
  Driver,
  FATAL,
  READY,
  submissionsAt,
} from './driver.js';
import {
  begin,
  busy,
  createCompletions,
  createSubmissions,
  DATA,
  deleteCompletions,
  deleteSubmissions,
  flush,
  getFeature,
  LOG,
  logPage,
  MESSAGE_CONTROL,
  read,
  request,
  setFeature,
  submit,
  write,
} from './session.js';

const RUNS = Number(process.env.RUNS ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`NVMe states: SEED=${SEED} RUNS=${RUNS}`);

/** A step of a session; returns what the guest sees of it. */
type Step = (driver: Driver) => unknown;

/** Runs a session, its device saved and restored into a new one before the steps named. */
function play(driver: Driver, steps: readonly Step[], cuts: (index: number) => boolean) {
  const seen: unknown[] = [];
  let current = driver;
  for (const [index, step] of steps.entries()) {
    if (cuts(index)) current = current.migrate();
    seen.push([step(current), current.sent(), current.read(CSTS), current.dispatcher.readBig(BAR + PBA)]);
  }
  return { driver: current, seen };
}

/** What a guest can see of a device at last: logs, features, and what is pending. */
const ending: readonly Step[] = [
  (driver) => driver.nvme.fn.config.write(MESSAGE_CONTROL, 2, 0x8000),
  (driver) => {
    for (let vector = 0; vector < 9; vector++) driver.mask(vector, false);
  },
  (driver) => [0, 1, 2, 3].map((id) => driver.take(id)),
  (driver) => [0, 1, 2, 3].map((id) => driver.take(id)),
  ...[1, 2, 4, 5, 6, 8, 10, 11].map((feature) => (driver: Driver) => {
    submit(driver, 0, getFeature(feature), getFeature(9, feature));
    return driver.take(0);
  }),
  ...[logPage(1, 256), logPage(2, 128)].map((fields) => (driver: Driver) => {
    submit(driver, 0, fields);
    return [driver.take(0), Buffer.from(driver.ram.bytes.subarray(LOG, LOG + 1024)).toString('hex')];
  }),
];

function expectTheSame(interrupted: ReturnType<typeof play>, whole: ReturnType<typeof play>): void {
  expect(interrupted.seen).toEqual(whole.seen);
  const [one, other] = [interrupted.driver, whole.driver];
  expect(JSON.parse(one.save())).toEqual(JSON.parse(other.save()));
  expect(Buffer.from(one.ram.bytes.buffer).equals(other.ram.bytes)).toBe(true);
  expect(Buffer.from(one.disk.buffer).equals(other.disk)).toBe(true);
  expect([one.faults, one.errors]).toEqual([[], []]);
}

describe('a session whose device is saved and restored into a new one', () => {
  const steps: readonly Step[] = [
    (driver) => submit(driver, 1, write, read),
    (driver) => driver.take(1),
    (driver) => submit(driver, 0, request(900), request(901)),
    (driver) => driver.mask(2, true),
    (driver) => submit(driver, 2, flush, read),
    (driver) => submit(driver, 2, flush, { opcode: 0xff, namespace: 1 }),
    (driver) => submit(driver, 0, setFeature(6, 0), setFeature(4, 0x150), setFeature(9, 0x10003)),
    (driver) => driver.take(0),
    (driver) => driver.write(0x1080, 1),
    (driver) => driver.peek(0),
    (driver) => driver.write(0x1008, 77),
    (driver) => submit(driver, 0, logPage(1, 16)),
    (driver) => driver.take(0),
    (driver) => driver.take(2),
    (driver) => driver.write(0x1008, 77),
    (driver) => driver.take(0),
    (driver) => driver.write(0x1008, 77),
    (driver) => driver.mask(2, false),
    (driver) => driver.take(2),
    (driver) => submit(driver, 0, request(902), { opcode: 8, dwords: { 10: 902 << 16 } }),
    (driver) => driver.take(0),
    (driver) => driver.nvme.fn.config.write(MESSAGE_CONTROL, 2, 0xc000),
    (driver) => submit(driver, 3, read, write, flush),
    (driver) => submit(driver, 0, deleteSubmissions(1), deleteCompletions(1)),
    (driver) => driver.nvme.fn.config.write(MESSAGE_CONTROL, 2, 0x8000),
    (driver) => driver.take(3),
    (driver) => driver.take(0),
    (driver) => driver.createQueue(1, 5),
    (driver) => submit(driver, 1, write, flush),
    (driver) => driver.write(CC, CC_ENABLED | (1 << 14)),
    (driver) => driver.take(1),
    (driver) => driver.write(CC, 0),
    (driver) => driver.enable(8) && driver.createQueue(1, 8),
    ...[2, 3].map((id) => (driver: Driver) => driver.createQueue(id, 4)),
    (driver) => submit(driver, 1, read),
    ...ending,
  ];

  test('before any one step goes on as if it had not been', () => {
    const whole = play(begin(), steps, () => false);
    for (let cut = 0; cut < steps.length; cut++) {
      expectTheSame(
        play(begin(), steps, (index) => index === cut),
        whole,
      );
    }
  });

  test('before every step goes on as if it had not been', () => {
    expectTheSame(
      play(begin(), steps, () => true),
      play(begin(), steps, () => false),
    );
  });

  test('before steps of any sequence goes on as if it had not been', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 60 }), (session) => {
        const all = [...session.map(([one]) => act(one)), ...ending];
        expectTheSame(
          play(begin(), all, (index) => session[index]?.[1] ?? false),
          play(begin(), all, () => false),
        );
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

const queue = fc.integer({ min: 1, max: 3 });
const ioCommand = fc.record({
  opcode: fc.constantFrom(0, 1, 1, 2, 2, 0x7f),
  namespace: fc.constantFrom(1, 1, 1, 1, 2),
  prp1: fc.nat(15).map((at) => DATA + 0x400 * at),
  prp2: fc.constant(DATA + 0x5000),
  dwords: fc.record({
    10: fc.oneof(fc.nat(20), fc.integer({ min: BLOCKS - 4, max: BLOCKS })),
    12: fc.nat(7).chain((count) => fc.constantFrom(count, count + 2 ** 30)),
  }),
});
const adminCommand = fc.oneof(
  fc.integer({ min: 500, max: 505 }).map(request),
  fc.integer({ min: 500, max: 505 }).map((id) => ({ opcode: 8, dwords: { 10: id << 16 } })),
  fc.tuple(fc.constantFrom(1, 2, 4, 5, 6, 8, 9, 10, 11), fc.nat(0x1000a)).map((pair) => setFeature(...pair)),
  fc.constantFrom(logPage(1, 32), logPage(1 | (1 << 15), 8), logPage(2, 128), logPage(3, 8)),
  fc
    .tuple(queue, fc.integer({ min: 2, max: 9 }), fc.constantFrom(0x10001, 0x10003, 0x20003, 0x30003))
    .map((fields) => createCompletions(...fields)),
  fc.tuple(queue, fc.integer({ min: 2, max: 9 }), queue).map((fields) => createSubmissions(...fields)),
  queue.map(deleteSubmissions),
  queue.map(deleteCompletions),
  fc.constantFrom({ opcode: 0xee }, { opcode: 6, prp1: LOG, dwords: { 10: 1 } }),
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ queue, commands: fc.array(ioCommand, { maxLength: 4 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ queue: fc.constant(0), commands: fc.array(adminCommand, { maxLength: 3 }) }),
  },
  { weight: 6, arbitrary: fc.record({ take: fc.nat(3), consume: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ vector: fc.nat(3), masked: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ control: fc.constantFrom(0, 0x8000, 0x8000, 0xc000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ doorbell: fc.nat(20).map((at) => 0x1000 + 4 * at), value: fc.nat(12) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      register: fc.constantFrom(0x0c, 0x10, CC, AQA, ASQ, ASQ + 4),
      value: fc.constantFrom(
        0,
        CC_ENABLED,
        CC_ENABLED | (1 << 14),
        CC_ENABLED | (1 << 7),
        0x00070007,
        0x100000,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom('enable', 'reset', 'dma off', 'dma on') },
);

function act(action: typeof step extends fc.Arbitrary<infer Value> ? Value : never): Step {
  return (driver) => {
    if (action === 'enable') {
      driver.enable(8);
      for (const id of [1, 2, 3]) driver.open(id, 4);
      submit(driver, 0, createCompletions(1, 4, 0x10003), createSubmissions(1, 4, 1));
    } else if (action === 'reset') {
      driver.nvme.fn.config.write(0x48, 2, 0x8000);
      driver.probe();
    } else if (typeof action === 'string') {
      driver.nvme.fn.config.write(0x04, 2, action === 'dma on' ? 6 : 2);
    } else if ('commands' in action) submit(driver, action.queue, ...action.commands);
    else if ('take' in action) return action.consume ? driver.take(action.take) : driver.peek(action.take);
    else if ('vector' in action) driver.mask(action.vector, action.masked);
    else if ('control' in action) driver.nvme.fn.config.write(MESSAGE_CONTROL, 2, action.control);
    else driver.write('doorbell' in action ? action.doorbell : action.register, action.value);
    return undefined;
  };
}

describe('asynchronous events', () => {
  test('requests stay held, and the oldest is told first', () => {
    const driver = begin();
    submit(driver, 0, request(7), request(8), request(9));
    const restored = driver.migrate();
    expect(restored.command(0, { ...getFeature(7), id: 8 }).status & 0xff).toBe(0x03);
    restored.sent();
    restored.write(0x1080, 1);
    expect(restored.take(0)).toMatchObject([{ id: 7, status: 0, result: 0x010000 }]);
    expect(restored.sent()).toEqual([0x40]);
  });

  test('four held requests are as many as there may be', () => {
    const driver = begin();
    submit(driver, 0, ...[1, 2, 3, 4].map(request));
    expect(driver.migrate().command(0, request(5)).status & 0xff).toBe(0x05);
  });

  test('what nobody asked for yet is told when somebody does', () => {
    const driver = begin();
    driver.write(0x1008, 99);
    expect(driver.migrate().command(0, request(7))).toMatchObject({ id: 7, result: 0x010100 });
  });

  test('what was told is told again after the log is read, and not before', () => {
    const driver = begin();
    submit(driver, 0, request(7), request(8));
    driver.write(0x1080, 1);
    const restored = driver.migrate();
    expect(restored.take(0)).toHaveLength(1);
    restored.write(0x1080, 1);
    expect(restored.take(0)).toEqual([]);
    restored.command(0, logPage(1, 16));
    const again = restored.migrate();
    again.write(0x1080, 1);
    expect(again.take(0)).toMatchObject([{ id: 8, result: 0x010000 }]);
  });
});

describe('interrupts', () => {
  test('of a masked vector stay pending, and are sent once', () => {
    const driver = begin();
    driver.mask(1, true);
    submit(driver, 1, flush, flush);
    const restored = driver.migrate();
    expect(restored.sent()).toEqual([]);
    expect(restored.dispatcher.readBig(BAR + PBA)).toBe(2n);
    restored.mask(1, false);
    expect(restored.sent()).toEqual([0x41]);
    restored.mask(1, true);
    restored.mask(1, false);
    expect(restored.sent()).toEqual([]);
    expect(restored.take(1)).toHaveLength(2);
  });

  test('that were sent are not sent again', () => {
    const driver = begin();
    submit(driver, 1, flush);
    expect(driver.sent()).toEqual([0x41]);
    expect(driver.migrate().sent()).toEqual([]);
  });

  test('pending for a queue that is deleted then are over', () => {
    const driver = begin();
    driver.mask(1, true);
    submit(driver, 1, flush);
    const restored = driver.migrate();
    for (const fields of [deleteSubmissions(1), deleteCompletions(1)]) {
      expect(restored.command(0, fields).status).toBe(0);
    }
    expect(restored.dispatcher.readBig(BAR + PBA)).toBe(0n);
  });

  test('of a vector that two queues name go on until both are deleted', () => {
    const driver = begin();
    for (const fields of [deleteSubmissions(2), deleteCompletions(2)]) driver.command(0, fields);
    driver.command(0, createCompletions(2, 8, 0x10003));
    const restored = driver.migrate();
    expect(restored.command(0, deleteCompletions(2)).status).toBe(0);
    restored.sent();
    restored.command(1, flush);
    expect(restored.sent()).toEqual([0x41]);
    for (const fields of [deleteSubmissions(1), deleteCompletions(1)]) restored.command(0, fields);
    expect(restored.nvme.fn.interrupts.raise(1)).toBe('dropped');
  });
});

describe('queues', () => {
  test('that are full of completions go on when their head moves', () => {
    const driver = begin();
    const ids = [1, 2, 3, 4].map((id) => 100 + id);
    for (const pair of [ids.slice(0, 2), ids.slice(2)]) {
      submit(driver, 2, ...pair.map((id) => ({ ...flush, id })));
    }
    const restored = driver.migrate();
    expect(restored.take(2).map(({ id }) => id)).toEqual([101, 102]);
    const again = restored.migrate();
    expect(again.take(2).map(({ id }) => id)).toEqual([103, 104]);
  });

  test('that share a completion queue go on sharing it, in the order in which they were created', () => {
    const driver = begin();
    driver.command(0, deleteSubmissions(2));
    for (const id of [6, 2]) {
      expect(driver.command(0, createSubmissions(id, 4, 3)).status).toBe(0);
      driver.open(id, 4);
    }
    for (const id of [3, 2, 6]) {
      for (const number of [1, 2]) driver.push(id, { ...flush, id: 10 * id + number });
      driver.ring(id);
    }
    const restored = driver.migrate();
    expect(restored.take(3).map(({ id }) => id)).toEqual([31, 32, 21]);
    expect(restored.take(3)).toMatchObject([
      { id: 61, queue: 6 },
      { id: 62, queue: 6 },
      { id: 22, queue: 2 },
    ]);
    expect(restored.command(0, deleteCompletions(3)).status & 0xff).toBe(0x0c);
  });

  test('that have wrapped keep their phase', () => {
    let driver = begin();
    for (let index = 0; index < 10; index++) {
      driver = driver.migrate();
      expect(driver.command(2, flush)).toMatchObject({ status: 0, head: (index + 1) % 3 });
    }
  });

  test('without interrupts send none', () => {
    const driver = new Driver().probe().enable();
    driver.command(0, createCompletions(1, 4, 1));
    driver.command(0, createSubmissions(1, 4, 1));
    driver.open(1, 4);
    driver.sent();
    const restored = driver.migrate();
    expect(restored.command(1, flush).status).toBe(0);
    expect(restored.sent()).toEqual([]);
  });
});

describe('a controller', () => {
  test.each<[string, (driver: Driver) => unknown, number]>([
    ['never enabled', () => new Driver().probe(), 0],
    ['disabled', (driver) => driver.write(CC, 0), 0],
    ['shut down', (driver) => driver.write(CC, CC_ENABLED | (1 << 14)), READY | (2 << 2)],
    ['shut down while disabled', (driver) => [0, 1 << 14].map((cc) => driver.write(CC, cc)), 2 << 2],
    ['failed at enabling', (driver) => [0, CC_ENABLED | 16].map((cc) => driver.write(CC, cc)), FATAL],
    [
      'failed at a command',
      (driver) => {
        driver.nvme.fn.config.write(0x04, 2, 2);
        submit(driver, 1, flush);
      },
      READY | FATAL,
    ],
  ])('%s is so when restored, and a reset helps', (_, arrange, csts) => {
    const source = begin();
    const made = arrange(source);
    const driver = made instanceof Driver ? made : source;
    const registers = (of: Driver) =>
      [0x0c, CC, CSTS, AQA, ASQ, ASQ + 4, 0x30, 0x34].map((at) => of.read(at));
    const restored = driver.migrate();
    expect(registers(restored)).toEqual(registers(driver));
    expect(restored.read(CSTS)).toBe(csts);
    if ((csts & (READY | FATAL)) !== READY) {
      const before = restored.save();
      for (let doorbell = 0x1000; doorbell < 0x1048; doorbell += 4) restored.write(doorbell, 1);
      expect(restored.save()).toBe(before);
    }
    restored.nvme.fn.config.write(0x04, 2, 6);
    restored.enable().createQueue(1, 4);
    expect(restored.command(1, flush).status).toBe(0);
    restored.nvme.fn.config.write(0x48, 2, 0x8000);
    restored.probe();
    expect(registers(restored)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('keeps what pin interrupts are masked, and bases above 4 GiB', () => {
    const driver = new Driver().probe();
    driver.write(0x0c, 0x80000001);
    driver.dispatcher.write(BAR + ASQ, 8, 0xfffff000, 0xffffffff);
    driver.write(AQA, 0x0fff0fff);
    const restored = driver.migrate();
    restored.write(0x10, 1);
    expect(restored.read(0x0c)).toBe(0x80000000);
    expect(restored.dispatcher.readBig(BAR + ASQ)).toBe(0xfffffffffffff000n);
    restored.write(CC, CC_ENABLED);
    const [queue] = restored.migrate().nvme.save().queues.submissions;
    expect(queue).toMatchObject({ address: 2 ** 64 - 4096, size: 4096 });
  });

  test('with a queue at the end of all addresses is restored', () => {
    const driver = begin();
    driver.push(0, { ...createCompletions(4, 4, 3), prp1: 0 });
    driver.ram.bytes.fill(0xff, submissionsAt(0) + 64 * 6 + 24, submissionsAt(0) + 64 * 6 + 32);
    driver.ring(0);
    expect(driver.migrate().nvme.save().queues).toEqual(driver.nvme.save().queues);
  });

  test('keeps how often the storage failed', () => {
    const failing = () => {
      throw new Error('worn out');
    };
    const storage = { blocks: BLOCKS, read: failing, write: failing, flush: failing };
    const driver = new Driver({ storage }).start();
    for (const fields of [read, write, read]) driver.command(1, fields);
    const restored = driver.migrate();
    expect(restored.command(0, logPage(2, 128)).status).toBe(0);
    expect([64, 80, 160].map((at) => restored.ram.view.getUint32(LOG + at, true))).toEqual([2, 1, 3]);
  });

  test('counts on in its logs', () => {
    const driver = begin();
    driver.command(1, write);
    for (let index = 0; index < 20; index++) driver.command(1, { ...flush, namespace: 2 });
    const restored = driver.migrate();
    restored.command(1, { ...flush, namespace: 3 });
    restored.command(1, write);
    const { view } = restored.ram;
    expect(restored.command(0, logPage(1, 256)).status).toBe(0);
    const entry = (index: number) => [0, 24].map((field) => view.getUint32(LOG + 64 * index + field, true));
    expect([0, 1, 15].map(entry)).toEqual([
      [21, 3],
      [20, 2],
      [6, 2],
    ]);
    expect(restored.command(0, logPage(2, 128)).status).toBe(0);
    expect([80, 176].map((at) => view.getUint32(LOG + at, true))).toEqual([2, 21]);
  });
});

describe('restoring over a controller that runs another session', () => {
  function another(): Driver {
    const driver = new Driver().probe().enable(4);
    for (const id of [1, 5, 8]) driver.createQueue(id, 16);
    for (const vector of [1, 5]) driver.mask(vector, true);
    submit(driver, 5, flush, { ...flush, namespace: 9 }, read);
    submit(driver, 1, flush);
    driver.command(0, setFeature(4, 99));
    driver.command(0, setFeature(9, 0x10008));
    driver.write(0x1008, 999);
    submit(driver, 0, request(1));
    submit(driver, 0, request(2));
    return driver;
  }

  const over = (source: Driver, restore: (target: Driver, saved: string) => void): Driver => {
    const target = another();
    target.follow(source);
    restore(target, source.save());
    return target;
  };

  test('leaves nothing of it', () => {
    const whole = play(busy(), ending, () => false);
    const interrupted = over(busy(), (target, saved) => target.restore(saved));
    expect(interrupted.save()).toBe(busy().save());
    expect(interrupted.sent()).toEqual(busy().sent());
    expectTheSame(
      play(
        over(busy(), (target, saved) => target.restore(saved)),
        ending,
        () => false,
      ),
      whole,
    );
  });

  test('may do the function first, where nothing runs in between', () => {
    const target = over(busy(), (driver, saved) => {
      const { controller, functions } = JSON.parse(saved);
      driver.dispatcher.restore(functions);
      driver.nvme.restore(controller);
    });
    expectTheSame(
      play(target, ending, () => false),
      play(busy(), ending, () => false),
    );
  });

  test('lets the guest answer what is sent meanwhile', () => {
    const source = begin();
    source.mask(1, true);
    submit(source, 1, { ...flush, id: 77 });
    const saved = JSON.parse(source.save());
    saved.functions.functions[0].msix.entries[1].masked = false;
    let answer = () => {};
    const found: number[][] = [];
    const target = new Driver({ onSend: () => answer() }).start();
    target.follow(source);
    answer = () => found.push(target.take(1).map(({ id }) => id));
    target.restore(JSON.stringify(saved));
    expect(found).toEqual([[77]]);
    const [, { head, tail }] = target.nvme.save().queues.completions;
    expect([head, tail]).toEqual([1, 1]);
  });
});

describe('a state', () => {
  test('is plain data, and stays as it was when the controller goes on', () => {
    const driver = busy();
    const state = driver.nvme.save();
    const text = JSON.stringify(state);
    expect(JSON.parse(text)).toEqual(state);
    submit(driver, 0, request(701), { opcode: 0xdd }, setFeature(4, 3));
    driver.take(2);
    driver.write(CC, 0);
    expect(JSON.stringify(state)).toBe(text);
    expect(JSON.stringify(driver.nvme.save())).not.toBe(text);
  });

  test('is not kept by the controller that it is restored to', () => {
    const state = JSON.parse(JSON.stringify(busy().nvme.save())) as ControllerState;
    const text = JSON.stringify(state);
    const driver = busy();
    driver.nvme.restore(state);
    submit(driver, 0, request(701), { opcode: 0xdd }, setFeature(4, 3));
    driver.take(2);
    expect(JSON.stringify(state)).toBe(text);
  });

  test.each(['memory', 'storage', 'flush', 'send'])(
    'is neither saved nor restored within a call of %s',
    (where) => {
      const found: unknown[] = [];
      let attempts: (() => unknown)[] = [];
      const call = (place: string) => {
        if (place === where) found.push(...attempts.map(outcome));
      };
      const disk = new BufferStorage(new Uint8Array(BLOCKS * BLOCK));
      const driver = new Driver({
        memory: (ram) => ({
          read: (address, into) => {
            call('memory');
            return ram.read(address, into);
          },
          write: (address, from) => ram.write(address, from),
        }),
        storage: {
          blocks: BLOCKS,
          read: (block, into) => {
            call('storage');
            disk.read(block, into);
          },
          write: (block, from) => disk.write(block, from),
          flush: () => call('flush'),
        },
        onSend: () => call('send'),
      }).start();
      const state = driver.nvme.save();
      attempts = [() => driver.nvme.save(), () => driver.nvme.restore(state)];
      if (where === 'flush') driver.write(CC, CC_ENABLED | (1 << 14));
      else submit(driver, 1, read);
      expect(found).toEqual([
        'Error: save: the controller is answering an access',
        'Error: restore: the controller is answering an access',
      ]);
      expect(attempts.map(outcome)).not.toContain(found[0]);
      expect(outcome(attempts[1])).toBeUndefined();
    },
  );
});

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
}
