import { describe, expect, it } from 'vitest';
import { pause, started, until } from './started.js';

const VECTOR_CONTROL = 12;

/** The guest in its live mode, with the functions as it placed them, and how often each sent. */
async function live() {
  const sent = [0, 0];
  const guest = started({
    commandLine: 'live',
    send: (message, sbdf) => {
      sent[sbdf === 0x40 ? 0 : 1]++;
      guest.attachment.send(message);
    },
  });
  await until(() => guest.lines.includes('live'));
  const [small, large] = guest.machine.functions;
  const { dispatcher } = guest.machine;
  const mask = (fn: typeof small, vector: number, on: 0 | 1) => {
    const table = fn.bars[0].address + fn.msix!.table.offset;
    expect(dispatcher.write(table + 16 * vector + VECTOR_CONTROL, 4, on)).toBe(true);
  };
  return { ...guest, sent, small, large, dispatcher, mask };
}

describe('the guest that runs for ever', () => {
  it('takes interrupts of both functions, and tells of the first', async () => {
    const { end, lines, sent } = await live();
    const [small, large] = sent;
    await until(() => sent[0] > small + 2 && sent[1] > large + 5);
    expect(await end(0)).toBe(false);
    const after = lines.slice(lines.indexOf('live') + 1);
    expect(after.filter((line) => line.startsWith('00:08.0 interrupt 1,'))).toHaveLength(1);
    expect(after).toContainEqual(
      expect.stringMatching(/^00:09\.0 interrupt 3, raised \d+, pending 0x00000000, scratch 0x[0-9a-f]{8}$/),
    );
  });

  it('has none of a masked vector until it is unmasked: then the pending one, and the next', async () => {
    const { end, sent, small, large, mask } = await live();
    for (const vector of [0, 1]) mask(small, vector, 1);
    await until(() => small.interrupts.pending(0) || small.interrupts.pending(1));
    const [before, beside] = sent;
    await until(() => sent[1] > beside + 5);
    expect(sent[0]).toBe(before);
    expect(large.interrupts.pending(0)).toBe(false);
    for (const vector of [0, 1]) mask(small, vector, 0);
    expect(sent[0]).toBe(before + 1);
    await until(() => sent[0] > before + 3);
    await end(0);
  });

  it('goes on after decoding and MSI-X were off', async () => {
    const { end, sent, large, dispatcher } = await live();
    large.setDecode(false);
    // No raise is under way any more.
    await pause(100);
    const [, stopped] = sent;
    await pause(50);
    expect(sent[1]).toBe(stopped);
    large.setDecode(true);
    await until(() => sent[1] > stopped + 2);
    large.writeMessageControl(0);
    await until(
      () =>
        dispatcher.functions[1].interrupts!.pending(0) ||
        [1, 2, 3].some((vector) => large.interrupts.pending(vector)),
    );
    const [, disabled] = sent;
    large.writeMessageControl(0x8000);
    await until(() => sent[1] > disabled + 2);
    await end(0);
  });
});
