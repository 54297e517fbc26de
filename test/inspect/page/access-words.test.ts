import { beforeEach, expect, it } from 'vitest';
import { Words } from '../../../src/inspect/page/access-words.js';
import { LARGE, PBA, SMALL, TABLE, type WatchedMachine, watchedMachine } from './machine.js';

let watched: WatchedMachine;
let words: Words;
beforeEach(() => {
  watched = watchedMachine();
  words = new Words((epoch) => watched.watch.inventory(epoch));
});

const last = () => {
  const { log } = watched.watch;
  const access = log.at(log.total - 1);
  if (!access) throw new Error('nothing is logged');
  return access;
};
const said = () => words.of(last());

it.each([
  [TABLE + 8, '0000:00:08.0 BAR0+0x88', 'MSI-X entry 0, message data', "the guest's entry 0: message data"],
  [PBA, '0000:00:08.0 BAR0+0xa0', 'PBA word 0, bits of vectors 0..1', 'the pending bits of the emulated PBA'],
  [
    LARGE + 0x3000,
    '0000:00:09.0 BAR0+0x3000',
    'registers on a page that need not trap',
    'the device model: read of 4 bytes at 0xf2003000',
  ],
])('a read at 0x%s', (address, place, bytes, effect) => {
  watched.read(address, 4);
  expect(said()).toMatchObject({ place, bytes, effect });
});

it('a write of vector control says which way the bit goes', () => {
  watched.machine.functions[0].writeMessageControl(0x8000);
  watched.write(TABLE + 12, 4, 0);
  expect(said()?.effect).toBe('unmasks vector 0 and arms it with the address and data written');
  watched.write(TABLE + 12, 4, 0xffffffff);
  expect(said()?.effect).toBe('masks vector 0; the model is told');
  watched.write(TABLE + 12, 4, 2);
  expect(said()?.effect).toMatch(/^unmasks vector 0/);
  watched.write(TABLE + 8, 8, 1, 0);
  expect(said()?.effect).toMatch(/unmasks vector 0/);
  watched.write(TABLE + 8, 8, 0, 1);
  expect(said()?.effect).toMatch(/masks vector 0; the model is told$/);
});

it('what is dropped says so, and why', () => {
  watched.write(PBA, 4, 1);
  expect(said()).toMatchObject({ effect: 'dropped' });
  watched.read(TABLE, 1);
  expect(said()?.effect).toMatch(/^all ones/);
  expect(said()?.reasons).toContainEqual({
    rule: 'a table answers aligned accesses of 4 or 8 bytes only',
    source: 'PCIe 6.1.4.2',
  });
});

it('what nobody decodes says so', () => {
  watched.machine.functions[1].setDecode(false);
  watched.read(LARGE + 0x1400, 4);
  expect(said()).toMatchObject({
    place: '0000:00:09.0 BAR0+0x1400',
    bytes: 'not decoded',
    effect: 'not claimed: it does not trap here',
  });
});

it('the words are those of the moment of the access', () => {
  watched.read(SMALL + 0x600, 4);
  const access = last();
  const [small] = watched.machine.functions;
  small.setDecode(false);
  small.moveBar(0, 0xe0000000);
  small.setDecode(true);
  watched.read(0xe0000000, 4);
  expect(words.of(access)).toMatchObject({ place: '0000:00:08.0 BAR0+0x0' });
  expect(said()).toMatchObject({ place: '0000:00:08.0 BAR0+0x0' });
});

it('are known once they were asked for, until they are cleared', () => {
  watched.read(TABLE, 4);
  expect(words.knows(last())).toBe(false);
  words.of(last());
  expect(words.knows(last())).toBe(true);
  watched.read(TABLE, 4);
  expect(words.knows(last())).toBe(true);
  words.clear();
  expect(words.knows(last())).toBe(false);
});

it('of a machine that nobody knows any more there are none', () => {
  watched.read(TABLE, 4);
  expect(words.of({ ...last(), epoch: 12345 })).toBeUndefined();
});

it('are those of each machine, also when there were more than are kept', () => {
  const [small] = watched.machine.functions;
  const places = Array.from({ length: 20 }, (_, index) => 0xe0000000 + 0x1000 * index);
  const accesses = places.map((address) => {
    small.setDecode(false);
    small.moveBar(0, address);
    small.setDecode(true);
    watched.read(address + 0x80, 4);
    return last();
  });
  for (const access of [...accesses, ...accesses]) {
    expect(words.of(access)).toMatchObject({ place: '0000:00:08.0 BAR0+0x80' });
  }
});
