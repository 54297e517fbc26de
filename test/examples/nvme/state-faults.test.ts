import { describe, expect, test } from 'vitest';
import { createNvme } from '../../../examples/nvme/nvme.js';
import { BLOCK, BufferStorage } from '../../../examples/nvme/storage.js';
import { Driver, FATAL, RAM } from './driver.js';
import { GuestRam } from './guest-ram.js';
import { busy } from './session.js';

function faultsOf(work: () => void): string[] {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message.split('\n');
  }
  return [];
}

describe('a bad state is refused, and nothing changes:', () => {
  const NUMBERS = [undefined, null, '1', 1.5, -1, Number.NaN];
  const good = busy().nvme.save();
  const driver = busy();
  const before = driver.save();

  /** Restores a state in which the field at a path has another value; returns the faults. */
  function refused(path: string, value: unknown): string[] {
    const state = structuredClone(good) as unknown;
    const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
    const last = keys.pop() as string;
    const owner = keys.reduce((fields, key) => (fields as Record<string, unknown>)[key], state);
    expect(owner, path).toHaveProperty([last]);
    (owner as Record<string, unknown>)[last] = value;
    const faults = faultsOf(() => driver.nvme.restore(state));
    expect(driver.save()).toBe(before);
    return faults;
  }

  test('the state that the others are made of is a good one', () => {
    const driver = busy();
    driver.nvme.restore(good);
    expect(driver.nvme.save()).toEqual(good);
    expect(good.events.held).toEqual([700]);
    expect(good.logPages.errors).toHaveLength(1);
    expect(good.features.uncoalesced).toEqual([1]);
    expect(good.queues.submissions.map(({ id }) => id)).toEqual([0, 1, 2, 3]);
  });

  test.each([undefined, null, 1, 'state', [], true])('%j is no object', (state) => {
    expect(faultsOf(() => new Driver().nvme.restore(state))).toEqual(['restore: the state is not an object']);
  });

  test.each([undefined, 0, 2, '1'])('version %j', (version) => {
    expect(refused('version', version)).toEqual([`restore: version ${JSON.stringify(version)} is not 1`]);
  });

  test.each(['registers', 'queues', 'features', 'events', 'logPages', 'namespace'])(
    '%s is no object',
    (path) => {
      for (const value of [undefined, null, 1, []]) {
        expect(refused(path, value)).toEqual([
          `restore: ${path} ${JSON.stringify(value) ?? 'undefined'} is not an object`,
        ]);
      }
    },
  );

  test.each([
    ['queues.completions', 'is not a list of at most 9'],
    ['queues.submissions', 'is not a list of at most 9'],
    ['registers.bases', 'is not a list of 4'],
    ['features.values', 'is not a list of 8'],
    ['features.values[0]', 'is not a list of 2'],
    ['features.uncoalesced', 'is not a list of at most 9 integers in [0, 8]'],
    ['events.held', 'is not a list of at most 4 integers in [0, 65535]'],
    ['logPages.errors', 'is not a list of 1'],
  ])('%s is no list of its length', (path, rule) => {
    for (const value of [undefined, null, {}, 'list', Array(10).fill(1)]) {
      expect(refused(path, value)).toContain(
        `restore: ${path} ${JSON.stringify(value) ?? 'undefined'} ${rule}`,
      );
    }
  });

  test.each(['queues.completions[1]', 'queues.submissions[1]', 'logPages.errors[0]'])(
    '%s is no object',
    (path) => {
      for (const value of [undefined, null, 1, []]) {
        expect(refused(path, value)).toContain(
          `restore: ${path} ${JSON.stringify(value) ?? 'undefined'} is not an object`,
        );
      }
    },
  );

  test.each<[path: string, rule: string, ...values: unknown[]]>([
    ['registers.cc', 'is not within 0xfffff1', 0x01000001, 2],
    ['registers.csts', 'is not within 0xb', 4, 16],
    ['registers.aqa', 'is not within 0xfff0fff', 0x1000, 0x10000000],
    ['registers.interruptMask', 'is not within 0xffffffff', 2 ** 32],
    ['registers.bases[0]', 'is not within 0xfffff000', 1, 0x800, 2 ** 32],
    ['registers.bases[1]', 'is not within 0xffffffff', 2 ** 32],
    ['registers.bases[2]', 'is not within 0xfffff000', 1, 0x800, 2 ** 32],
    ['registers.bases[3]', 'is not within 0xffffffff', 2 ** 32],
    ['queues.completions[1].id', 'is not an integer in [0, 8]', 9],
    ['queues.completions[1].address', 'is not a multiple of 4096 in [0, 2^64]', 2048, 2 ** 65],
    ['queues.completions[0].size', 'is not an integer in [2, 4096]', 1, 4097],
    ['queues.completions[1].size', 'is not an integer in [2, 1024]', 1, 1025],
    ['queues.completions[1].head', 'is not an integer in [0, 7]', 8],
    ['queues.completions[1].tail', 'is not an integer in [0, 7]', 8],
    ['queues.completions[1].phase', 'is not an integer in [0, 1]', 2],
    ['queues.submissions[1].id', 'is not an integer in [0, 8]', 9],
    ['queues.submissions[1].address', 'is not a multiple of 4096 in [0, 2^64]', 2048, 2 ** 65],
    ['queues.submissions[0].size', 'is not an integer in [2, 4096]', 1, 4097],
    ['queues.submissions[1].size', 'is not an integer in [2, 1024]', 1, 1025],
    ['queues.submissions[1].head', 'is not an integer in [0, 7]', 8],
    ['queues.submissions[1].tail', 'is not an integer in [0, 7]', 8],
    ['queues.submissions[1].completions', 'is not a completion queue for it', 4, 0],
    ['queues.submissions[0].completions', 'is not a completion queue for it', 1],
    ['features.values[1][0]', 'is not feature 2', 1, 3],
    ['features.values[0][1]', 'is not within 0xffffffff', 2 ** 32],
    ['features.values[1][1]', 'is not within 0xffffffe0', 1, 0x1f],
    ['features.values[4][1]', 'is not within 0x1', 2],
    ['features.uncoalesced[0]', '', 9],
    ['events.held[0]', '', 0x10000],
    ['logPages.errorCount', 'is not an integer in [0, 9007199254740991]', 2 ** 53],
    ['logPages.errors[0].queue', 'is not an integer in [0, 8]', 9],
    ['logPages.errors[0].id', 'is not an integer in [0, 65535]', 0x10000],
    ['logPages.errors[0].status', 'is not an integer in [1, 32767]', 0, 0x8000],
    ['logPages.errors[0].namespace', 'is not an integer in [0, 4294967295]', 2 ** 32],
    ['namespace.blocks', "is not 4096, the storage's", 4095],
    ...['blocksRead', 'blocksWritten', 'reads', 'writes', 'mediaErrors'].map(
      (name): [string, string, unknown] => [
        `namespace.${name}`,
        'is not an integer in [0, 9007199254740991]',
        2 ** 53,
      ],
    ),
  ])('%s', (path, rule, ...values) => {
    for (const value of [...NUMBERS, ...values]) {
      const faults = refused(path, value);
      if (rule === '') expect(faults).toEqual([expect.stringMatching(/ is not a list of at most /)]);
      else expect(faults).toContain(`restore: ${path} ${JSON.stringify(value) ?? 'undefined'} ${rule}`);
    }
  });

  test.each<[path: string, value: unknown, fault: string]>([
    ['serial', 1, 'serial 1 is not TRAPLINE00000040'],
    ['queues.completions[0].vector', null, 'queues.completions[0].vector null is not an integer in [0, 0]'],
    ['queues.completions[0].vector', 1, 'queues.completions[0].vector 1 is not an integer in [0, 0]'],
    ['queues.completions[1].vector', 9, 'queues.completions[1].vector 9 is not an integer in [0, 8]'],
    ['queues.completions[1].vector', -1, 'queues.completions[1].vector -1 is not an integer in [0, 8]'],
    ['queues.completions[2].id', 3, 'queues.completions [0,1,3,3] has one twice'],
    ['queues.submissions[2].id', 3, 'queues.submissions [0,1,3,3] has one twice'],
    ['features.uncoalesced', [2, 2], 'features.uncoalesced [2,2] has one twice'],
    ['events.held', [5, 5], 'events.held [5,5] has one twice'],
    ['events.error', 2, 'events.error 2 is not an integer in [0, 1]'],
    ['events.error', undefined, 'events.error undefined is not an integer in [0, 1]'],
    ['events.masked', 1, 'events.masked 1 is not true or false'],
    ['events', { held: [], error: 0, masked: true }, 'events.error 0 is not null: errors are masked'],
    ['logPages.errorCount', 2, 'is not a list of 2'],
    ['registers.cc', 0x00460000, 'registers.csts 1 does not follow from cc 4587520'],
    ['registers.csts', 0, 'registers.csts 0 does not follow from cc 4587521'],
    ['registers.csts', FATAL, 'queues.completions [0,1,2,3] is not empty: nothing is ready'],
    ['registers.csts', FATAL, 'queues.submissions [0,1,2,3] is not empty: nothing is ready'],
    ['registers.csts', FATAL, 'are not as after a reset: nothing is ready'],
    ['queues.submissions', [], 'queues.submissions [] lacks the admin queue'],
    ['queues', { completions: [], submissions: [] }, 'queues.completions [] lacks the admin queue'],
  ])('%s %j', (path, value, fault) => {
    expect(refused(path, value)).toContainEqual(expect.stringContaining(fault));
  });

  test('all that is wrong is told at once', () => {
    const state = structuredClone(good) as unknown as Record<string, unknown>;
    state.registers = null;
    state.events = { held: 'x', error: 5, masked: 0 };
    expect(faultsOf(() => busy().nvme.restore(state))).toEqual([
      'restore: registers null is not an object',
      'restore: events.held "x" is not a list of at most 4 integers in [0, 65535]',
      'restore: events.error 5 is not an integer in [0, 1]',
      'restore: events.masked 0 is not true or false',
    ]);
  });

  test('one of another serial or another size of disk', () => {
    const { dispatcher, nvme } = new Driver();
    const other = createNvme({
      dispatcher,
      sbdf: '0000:00:09.0',
      memory: new GuestRam(RAM),
      storage: new BufferStorage(new Uint8Array(8 * BLOCK)),
      send: () => {},
      serial: 'OTHER',
    });
    expect(faultsOf(() => other.restore(nvme.save()))).toEqual([
      'restore: serial "TRAPLINE00000040" is not OTHER',
      "restore: namespace.blocks 4096 is not 8, the storage's",
    ]);
  });
});
