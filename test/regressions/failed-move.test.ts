// A guest put a BAR where it could not be. The register said one place, the mappings another, and what was free was lost.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/7938
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/8203
// Windows moves BARs onto one another when it rebalances, and sizes them while they decode.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/8202
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/6147
// Or the IOMMU has fewer address bits than the guest.
// https://gitlab.com/qemu-project/qemu/-/blob/master/docs/igd-assign.txt

import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { type AssignedFunction, createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { MappingHost } from '../mapping-host.js';

const COMMAND = 0x04;
const LOW = 0x10;
const HIGH = 0x14;
const MEMORY = 2;
const SIZE = 0x4000;
const [A, B, FREE] = [0x40_0000_0000, 0x40_0100_0000, 0x40_0200_0000];
const FOREIGN = 0x40_0300_0000;
const NARROW = 0x80_0000_0000;

/** Its IOMMU has 39 bits. */
class NarrowHost extends MappingHost {
  override mapGuestPages(guest: number, host: number, length: number): void {
    if (guest >= NARROW) throw new Error('dma_map: Invalid argument');
    super.mapGuestPages(guest, host, length);
  }
}

function start(policy = policies.strict) {
  const host = new NarrowHost();
  host.guestPages.set(FOREIGN + 0x2000, 'other');
  const dispatcher = createDispatcher({ host, policy, onError: () => {} });
  const [first, second] = [A, B].map((address, index) =>
    dispatcher.assign({
      sbdf: 8 + index,
      bars: [{ index: 0, type: 'mem64', address, size: SIZE }],
      msix: { count: 4, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: 0x3000 } },
      decode: true,
    }),
  );
  const answers = (address: number) => dispatcher.read(address + 0x200c, 4) !== UNCLAIMED;
  /** Where configuration space says that a function is, is where it is: its table, and its pages in the guest. */
  const agree = (...functions: AssignedFunction[]) => {
    const said = functions.filter(isOn).map(addressOf);
    for (const address of [A, B, FREE, FOREIGN, NARROW]) {
      expect(answers(address)).toBe(said.includes(address));
      expect(host.direct.has(address)).toBe(said.includes(address));
    }
  };
  return { dispatcher, host, first, second, agree };
}

const isOn = ({ config }: AssignedFunction) => (config.read(COMMAND, 2) & MEMORY) !== 0;
const addressOf = ({ config }: AssignedFunction) =>
  config.read(LOW, 4) - (config.read(LOW, 4) % 16) + config.read(HIGH, 4) * 2 ** 32;
const decode = ({ config }: AssignedFunction, on: boolean) => config.write(COMMAND, 2, on ? MEMORY : 0);

function move(fn: AssignedFunction, address: number): void {
  decode(fn, false);
  place(fn, address);
  decode(fn, true);
}

function place({ config }: AssignedFunction, address: number): void {
  config.write(LOW, 4, address % 2 ** 32);
  config.write(HIGH, 4, Math.floor(address / 2 ** 32));
}

describe('moved to where it cannot be, a function is off and says so; moved away, it is on', () => {
  it.each([
    ['onto another function', B],
    ['onto what the guest has there', FOREIGN],
    ['beyond the bits of the IOMMU', NARROW],
  ])('%s', (_name, address) => {
    const { first, second, agree } = start();
    move(first, address);
    expect([isOn(first), addressOf(first)]).toEqual([false, address]);
    agree(first, second);
    decode(first, true);
    expect(isOn(first)).toBe(false);
    for (const again of [FREE, A]) {
      move(first, again);
      expect([isOn(first), addressOf(first)]).toEqual([true, again]);
      agree(first, second);
    }
  });
});

it('past every address it answers nowhere, until it is moved back', () => {
  const { first, second, agree } = start();
  move(first, 2 ** 63);
  expect(addressOf(first)).toBe(2 ** 63);
  agree(first, second);
  move(first, A);
  agree(first, second);
});

describe('two functions that change places', () => {
  it('while both are off are on afterwards', () => {
    const { first, second, agree } = start();
    decode(first, false);
    decode(second, false);
    place(first, B);
    place(second, A);
    decode(first, true);
    decode(second, true);
    expect([first, second].map(isOn)).toEqual([true, true]);
    agree(first, second);
  });

  it('one after the other: the first is on when it is switched on with the second gone', () => {
    const { first, second, agree } = start();
    move(first, B);
    agree(first, second);
    move(second, A);
    agree(first, second);
    expect([first, second].map(isOn)).toEqual([false, true]);
    decode(first, true);
    expect([first, second].map(isOn)).toEqual([true, true]);
    agree(first, second);
  });
});

it.each(Object.values(policies))(
  'written while it decodes a BAR neither moves nor says so, under $name',
  (policy) => {
    const { first, second, agree, host } = start(policy);
    const mapped = [...host.direct];
    for (const address of [B, FREE, 0, 2 ** 64 - 2 ** 12]) {
      place(first, address);
      expect(addressOf(first)).toBe(A);
      agree(first, second);
    }
    expect([...host.direct]).toEqual(mapped);
  },
);
