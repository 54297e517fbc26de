import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PageHandler } from '../../src/host.js';
import type { MachineState } from '../../src/hosts/v86.js';
import type { Message } from '../../src/msix/message.js';
import { LONG, type Started, started, until } from './started.js';
import { PASSED, STEPS } from './steps.js';

afterEach(() => vi.restoreAllMocks());

it('passes, step by step, in v86', async () => {
  const { end, lines, attachment, machine } = started();
  expect(await end(LONG)).toBe(true);
  expect(lines).toEqual(PASSED);
  expect(attachment.undelivered).toBe(0);
  expect(machine.dispatcher.counts).toMatchObject({ 'host-error': 0, overlap: 0, 'page-offset': 0 });
});

it('does not end in no time', async () => {
  const { end, lines } = started();
  expect(await end(0)).toBe(false);
  expect(lines).toEqual([]);
});

// A guest that runs stops at HLT at the latest, where an interrupt is to come: after all of these.
it.each([
  '00:08.0 BARs sized',
  '00:08.0 masked by MSI-X being off',
  '00:08.0 registers keep unaligned 2 and 4 bytes: BAR1',
  '00:08.0 BARs moved',
  '00:09.0 each entry interrupts once',
])('goes on in another machine where it was saved, after %s', async (step) => {
  const first = started();
  let text = '';
  let saved: Promise<MachineState> | undefined;
  first.emulator.add_listener('serial0-output-byte', (byte: number) => {
    text += String.fromCharCode(byte);
    if (text.includes(`PASS ${step}`)) saved ??= first.attachment.save(first.emulator);
  });
  await until(() => saved !== undefined);
  const state = structuredClone(await saved!);
  const before = text.length;
  await first.end(0);

  const second = started();
  await new Promise((resolve) => second.emulator.add_listener('emulator-started', resolve));
  await second.emulator.stop();
  await second.attachment.restore(second.emulator, state);
  text = text.slice(0, before);
  expect(text).not.toContain(' passed, ');
  second.emulator.add_listener('serial0-output-byte', (byte: number) => {
    text += String.fromCharCode(byte);
  });
  await second.emulator.run();
  expect(await second.end(LONG)).toBe(true);
  expect(text.trimEnd().split('\n')).toEqual(PASSED);
});

describe('with one fault in the machine, just these steps fail:', () => {
  /** The function of 00:09.0. */
  const largeBar = ({ machine }: Started) => machine.functions[1];

  /** What the guest's failing steps are, without what they found. */
  async function failing(guest: Started): Promise<string[]> {
    expect(await guest.end(LONG)).toBe(true);
    const { lines } = guest;
    const failed = lines.filter((line) => line.startsWith('FAIL '));
    expect(lines.at(-1)).toBe(`${STEPS.length - failed.length} passed, ${failed.length} failed`);
    return failed.map((line) => {
      const [, step] =
        /^FAIL (.*): \d+ of \d+ wrong, first 0x[0-9a-f]{8} not 0x[0-9a-f]{8}$/.exec(line) ?? [];
      expect(STEPS).toContain(step);
      return step.replace(/: pending in the PBA.*/, '');
    });
  }

  /** Puts something between a page of 00:09.0 and the device. */
  function onPage(guest: Started, address: number, change: (page: PageHandler) => PageHandler): void {
    const device = guest.machine.models['0000:00:09.0'];
    const page = device.page.bind(device);
    vi.spyOn(device, 'page').mockImplementation((at) => {
      const handler = page(at);
      return handler && at === address ? change(handler) : handler;
    });
  }

  const masks = (where: string) =>
    ['masked by vector control', 'masked by the function mask', 'masked by MSI-X being off'].map(
      (step) => `${where} ${step}`,
    );
  const sends = (where: string) => [
    `${where} each entry interrupts once, with its vector`,
    ...masks(where),
    `${where} an interrupt ends HLT`,
    `${where} moved, and masked by vector control`,
  ];

  it('messages go nowhere', async () => {
    expect(await failing(started({ send: () => {} }))).toEqual([...sends('00:08.0'), ...sends('00:09.0')]);
  });

  it('messages of one function come with the vector beside theirs', async () => {
    const guest = started({
      send: (message, sbdf) =>
        guest.attachment.send({ ...message, data: message.data + (sbdf === 0x48 ? 1 : 0) }),
    });
    expect(await failing(guest)).toEqual(sends('00:09.0'));
  });

  it('messages come again, with the next one', async () => {
    let before: Message | undefined;
    const guest = started({
      send: (message, sbdf) => {
        if (sbdf === 0x40 && before) guest.attachment.send(before);
        if (sbdf === 0x40) before = message;
        guest.attachment.send(message);
      },
    });
    // HLT waits for the vector that came before it: two of them are one in the APIC.
    const seen = sends('00:08.0').filter((step) => !step.endsWith('HLT'));
    expect(await failing(guest)).toEqual(seen);
  });

  it('what is raised while masked is forgotten', async () => {
    const guest = started();
    const { interrupts } = largeBar(guest);
    const raise = interrupts.raise.bind(interrupts);
    vi.spyOn(interrupts, 'raise').mockImplementation((vector) =>
      interrupts.masked(vector) ? 'pending' : raise(vector),
    );
    expect(await failing(guest)).toEqual([
      ...masks('00:09.0'),
      '00:09.0 moved, and masked by vector control',
    ]);
  });

  it('masks are ignored', async () => {
    const guest = started();
    const { interrupts } = largeBar(guest);
    vi.spyOn(interrupts, 'raise').mockImplementation((vector) => {
      const { addressLow, addressHigh, data } = largeBar(guest).vector(vector);
      guest.attachment.send({ addressLow, addressHigh, data });
      return 'sent';
    });
    expect(await failing(guest)).toEqual([
      ...masks('00:09.0'),
      '00:09.0 moved, and masked by vector control',
    ]);
  });

  it('registers behind the PBA drop writes', async () => {
    const guest = started();
    onPage(guest, 0x2000, (page) => ({
      read: page.read,
      write: (offset, ...rest) => {
        if (offset < 0x800) page.write(offset, ...rest);
      },
    }));
    expect(await failing(guest)).toEqual([
      '00:09.0 registers keep 1, 2, 4, 8 and 16 bytes: behind the PBA',
      '00:09.0 registers keep unaligned 2 and 4 bytes: behind the PBA',
      '00:09.0 BARs moved: the same registers and entries there, ones before',
    ]);
  });

  // Unaligned accesses reach the device as bytes.
  it('registers before the table mix up bytes of 2', async () => {
    const guest = started();
    onPage(guest, 0x1000, (page) => ({
      read: page.read,
      write: (offset, width, low, high) =>
        page.write(
          offset,
          width,
          width === 2 && offset < 0x400 ? (low >> 8) | ((low & 0xff) << 8) : low,
          high,
        ),
    }));
    expect(await failing(guest)).toEqual([
      '00:09.0 registers keep 1, 2, 4, 8 and 16 bytes: before the table',
    ]);
  });

  it('a function is not there', async () => {
    const guest = started();
    guest.machine.dispatcher.deassign('00:09.0');
    const failed = await failing(guest);
    expect(failed).toEqual(
      STEPS.filter((step) => step.startsWith('00:09.0')).map((step) =>
        step.replace(/: pending in the PBA.*/, ''),
      ),
    );
  });
});
