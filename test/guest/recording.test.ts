import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readInventory } from '../../src/inventory/read-machine.js';
import { KINDS, WIDTHS } from '../../src/trace/function-counts.js';
import { type Recording, record } from '../../src/trace/recording.js';
import { replayRecording } from '../../src/trace/replay-file.js';
import { LONG, started } from './started.js';
import { PASSED } from './steps.js';

it('a recording of the running guest is replayed with equal counts of each kind and no difference', async () => {
  const text: string[] = [];
  let recording!: Recording;
  const { end, lines } = started({
    doors: (dispatcher) => {
      recording = record(dispatcher, (more) => text.push(more));
      return recording;
    },
  });
  expect(await end(LONG)).toBe(true);
  expect(lines).toEqual(PASSED);
  recording.flush();
  const inventory = { name: 'inventory', stream: Readable.from([Buffer.from(recording.inventory)]) };
  const file = await replayRecording('the guest', text, await readInventory([inventory]));

  expect(file).toMatchObject({ badLines: 0, unknown: 0, notes: [], assumedEnabled: [] });
  const { replay } = file;
  expect(replay.differences).toEqual([]);
  expect([replay.unclaimedReads, replay.unclaimedWrites]).toEqual([
    recording.unclaimedReads,
    recording.unclaimedWrites,
  ]);
  expect(replay.functions.map(({ sbdf }) => sbdf)).toEqual([...recording.counts.keys()]);
  for (const { sbdf, counts } of replay.functions) {
    const recorded = recording.counts.get(sbdf)!;
    for (const kind of KINDS) {
      expect([kind, counts.unaligned(kind)]).toEqual([kind, recorded.unaligned(kind)]);
      for (const width of WIDTHS)
        for (const write of [false, true])
          expect([kind, width, write, counts.count(kind, write, width)]).toEqual([
            ...[kind, width, write],
            recorded.count(kind, write, width),
          ]);
    }
  }
  // Entries at the end are those that the guest programmed.
  const [small, large] = replay.functions;
  expect(small.trapped.vector(1)).toMatchObject({ addressLow: 0xfee00000, data: 0x51, masked: true });
  expect(large.trapped.vector(63)).toMatchObject({ addressLow: 0xfee00000, data: 0x9f, masked: true });
});
