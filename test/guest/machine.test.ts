import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ID, OUTCOME, REGISTER } from '../../src/guest/device.js';
import { createMachine, type MachineOptions } from '../../src/guest/machine.js';

const MESSAGE = { addressLow: 0xfee00000, addressHigh: 0, data: 65 };

/** Both functions decoded, entry 1 of each unmasked. */
function machine(options: Partial<MachineOptions> = {}) {
  const send = vi.fn();
  const made = createMachine({ send, ...options });
  const { dispatcher, functions } = made;
  const [small, large] = functions;
  for (const [index, address] of [0xd1924600, 0xd1924400, 0xd1924000].entries())
    small.config.write(0x10 + 4 * index, 4, address);
  large.config.write(0x10, 4, 0xf2000000);
  for (const fn of functions) {
    fn.config.write(0x04, 2, 2);
    fn.writeMessageControl(0x8000);
    const entry = fn.bars[0].address + fn.msix!.table.offset + 16;
    dispatcher.write(entry, 8, MESSAGE.addressLow, MESSAGE.addressHigh);
    dispatcher.write(entry + 8, 8, MESSAGE.data, 0);
  }
  return { ...made, send, small, large };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('the machine', () => {
  it('has a function with three BARs on a page, table and PBA in the one of 256 bytes', () => {
    const { small } = machine();
    expect(small.bars).toMatchObject([
      { index: 0, type: 'mem32', size: 256 },
      { index: 1, type: 'mem32', size: 512 },
      { index: 2, type: 'mem32', size: 1024 },
    ]);
    expect(small.msix).toMatchObject({
      count: 2,
      table: { bir: 0, offset: 0x80 },
      pba: { bir: 0, offset: 0xa0 },
    });
  });

  it('has a function with a 64-bit BAR, table and PBA on pages of their own', () => {
    const { large } = machine();
    expect(large.bars).toMatchObject([{ index: 0, type: 'mem64', size: 0x4000 }]);
    expect(large.msix).toMatchObject({
      count: 64,
      table: { bir: 0, offset: 0x1400 },
      pba: { bir: 0, offset: 0x2800 },
    });
  });

  it('traps every page', () => {
    expect(machine().dispatcher.trappedPages).toBe(1 + 4);
  });

  it('asks the embedder for pages of other functions, and has none without it', () => {
    const mapPage = vi.fn(() => new Uint8Array(4096).fill(7));
    for (const [options, value] of [
      [{ mapPage }, 7],
      [{}, 0xff],
    ] as const) {
      const { dispatcher } = machine(options);
      const bars = [
        { index: 0, type: 'mem32', address: 0xf4000000, hostAddress: 0x5000, size: 0x1000 },
      ] as const;
      dispatcher.assign({ sbdf: '00:0d.0', bars, decode: true });
      expect(dispatcher.read(0xf4000000, 1)).toBe(value);
    }
    expect(mapPage.mock.calls).toEqual([[0x5000, 0x68]]);
  });
});

describe.each([
  ['00:08.0', 0, 0xd1924600],
  ['00:09.0', 1, 0xf2000000],
])('the registers of %s', (_name, index, at) => {
  const sbdf = index === 0 ? 0x40 : 0x48;

  it('have an ID, at every width, that nobody writes', () => {
    const { dispatcher } = machine();
    for (const width of [1, 2, 4, 8] as const) dispatcher.write(at + REGISTER.id, width, 0);
    expect(dispatcher.read(at, 4)).toBe(ID);
    expect(dispatcher.read(at + 1, 2)).toBe((ID >> 8) & 0xffff);
    expect(dispatcher.read(at + 3, 1)).toBe(ID >> 24);
    expect(dispatcher.read(at, 8)).toBe(ID);
    expect(dispatcher.high).toBe(0);
  });

  it('raise a vector now, and say what became of it', () => {
    const { dispatcher, functions, send } = machine();
    dispatcher.write(at + REGISTER.raise, 4, 1);
    expect(send.mock.calls).toEqual([[MESSAGE, sbdf, 1]]);
    expect(dispatcher.read(at + REGISTER.raise, 4)).toBe(OUTCOME.sent);
    dispatcher.write(at + REGISTER.raise, 4, 0);
    expect(dispatcher.read(at + REGISTER.raise, 4)).toBe(OUTCOME.pending);
    expect(functions[index].interrupts.pending(0)).toBe(true);
    dispatcher.write(at + REGISTER.raise, 4, 64);
    expect(dispatcher.read(at + REGISTER.raise, 4)).toBe(OUTCOME.dropped);
    expect(dispatcher.read(at + REGISTER.raised, 4)).toBe(3);
    expect(send).toHaveBeenCalledTimes(1);
  });

  it('raise nothing by other widths', () => {
    const { dispatcher, send } = machine();
    for (const width of [1, 2, 8] as const)
      dispatcher.write(at + REGISTER.raise - (width === 8 ? 4 : 0), width, 1, 1);
    expect(send).not.toHaveBeenCalled();
    expect(dispatcher.read(at + REGISTER.raised, 4)).toBe(0);
  });

  it('raise a vector later, the last one written only', () => {
    const { dispatcher, send } = machine();
    dispatcher.write(at + REGISTER.raiseAfter, 4, 10);
    dispatcher.write(at + REGISTER.raiseAfter, 4, 0x1_0014);
    expect(dispatcher.read(at + REGISTER.raiseAfter, 4)).toBe(0x1_0014);
    vi.advanceTimersByTime(19);
    expect(send).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(send.mock.calls).toEqual([[MESSAGE, sbdf, 1]]);
    expect(dispatcher.read(at + REGISTER.raiseAfter, 4)).toBe(0);
    expect(dispatcher.read(at + REGISTER.raised, 4)).toBe(1);
  });

  it.each([
    [
      '0 written',
      ({ dispatcher }: ReturnType<typeof machine>) => dispatcher.write(at + REGISTER.raiseAfter, 4, 0),
    ],
    ['a reset', ({ functions }: ReturnType<typeof machine>) => functions[index].reset()],
    ['the end', ({ stop }: ReturnType<typeof machine>) => stop()],
  ])('raise nothing later after %s', (_what, end) => {
    const made = machine();
    made.dispatcher.write(at + REGISTER.raiseAfter, 4, 0x1_0005);
    end(made);
    vi.advanceTimersByTime(1000);
    expect(made.send).not.toHaveBeenCalled();
    expect(made.functions[index].interrupts.pending(1)).toBe(false);
  });

  it('forget by a reset what was written', () => {
    const { dispatcher, functions } = machine();
    dispatcher.write(at + 0x20, 4, 5);
    dispatcher.write(at + REGISTER.raise, 4, 1);
    const bars = functions[index].bars.map(({ index, address }) => [index, address]);
    functions[index].reset();
    for (const [bar, address] of bars) functions[index].moveBar(bar, address);
    functions[index].setDecode(true);
    const read = (offset: number) => dispatcher.read(at + offset, 4);
    expect([read(0), read(REGISTER.raise), read(REGISTER.raised), read(0x20)]).toEqual([ID, 0, 0, 0]);
  });

  it('are saved with what is to be raised later', () => {
    const made = machine();
    made.dispatcher.write(at + 0x20, 4, 5);
    made.dispatcher.write(at + REGISTER.raiseAfter, 4, 0x1_0005);
    const functions = made.dispatcher.save();
    const models = Object.entries(made.models).map(([name, device]) => [name, device.save()] as const);
    made.stop();

    const other = machine();
    other.dispatcher.restore(JSON.parse(JSON.stringify(functions)));
    for (const [name, state] of models) other.models[name].restore(JSON.parse(JSON.stringify(state)));
    expect(other.dispatcher.read(at + 0x20, 4)).toBe(5);
    vi.advanceTimersByTime(5);
    expect(other.send.mock.calls).toEqual([[MESSAGE, sbdf, 1]]);
    expect(made.send).not.toHaveBeenCalled();
  });
});
