import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AssignedFunction } from '../../src/function.js';
import type { Driver } from './drivers/driver.js';
import { E1000e } from './drivers/e1000e.js';
import { Nvme } from './drivers/nvme.js';
import { VirtioNet } from './drivers/virtio-net.js';
import { Xhci } from './drivers/xhci.js';
import { COMMAND, DECODE, enableEcam, Guest, placePhysical } from './guest.js';
import { hasQemu, Machine } from './machine.js';
import { Memory } from './memory.js';

const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const MEMORY = 0x10_0000;
/** The guest has its BARs elsewhere. */
const SHIFT = 0x1000_0000;

describe.skipIf(!hasQemu)('interrupts of a device of QEMU, its BARs elsewhere in the guest', () => {
  let machine: Machine;
  let guest: Guest;
  let memory: Memory;
  let nvme: Nvme;
  beforeAll(() => {
    machine = new Machine(
      'nvme,addr=4,serial=trapline,drive=disk',
      'e1000e,addr=5,romfile=',
      'virtio-net-pci,addr=6,romfile=',
      'qemu-xhci,addr=7',
    );
    enableEcam(machine);
    guest = new Guest(machine);
    memory = new Memory(machine.qtest, MEMORY);
  });
  afterEach(() => expect(guest.errors).toEqual([]));
  afterAll(() => machine?.close());

  describe.each<[string, string, number, Readonly<Record<number, number>>, (registers: number) => Driver]>([
    [
      'nvme',
      '0000:00:04.0',
      0,
      { 0: 0xe000_0000 },
      (at) => {
        nvme = new Nvme(guest, at, memory);
        return nvme;
      },
    ],
    ['e1000e', '0000:00:05.0', 0, { 0: 0xe010_0000, 3: 0xe020_0000 }, (at) => new E1000e(guest, at)],
    [
      'virtio-net-pci',
      '0000:00:06.0',
      4,
      { 1: 0xe030_0000, 4: 0xe040_0000 },
      (at) => new VirtioNet(guest, at, memory),
    ],
    ['qemu-xhci', '0000:00:07.0', 0, { 0: 0xe050_0000 }, (at) => new Xhci(guest, at, memory)],
  ])('%s', (_name, sbdf, bar, places, start) => {
    let fn: AssignedFunction;
    let driver: Driver;
    let data = 0x50;

    const write = (masked: boolean) => guest.writeEntry(fn, driver.vector, 0xfee0_3000, ++data, masked);
    const control = (bits: number) => {
      waitForThrottling();
      fn.config.write(fn.msix!.capability! + 2, 2, bits);
    };
    /** QEMU's e1000e aborts where MSI-X is switched while a timer of ITR or EITR runs, 128 us after an interrupt. */
    const waitForThrottling = () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      // QEMU runs its timers after each command.
      guest.directConfig(sbdf, 0, 4);
    };
    /** The pending bits of all vectors as the device has them. */
    const physical = () => guest.direct(guest.pba(fn) + SHIFT, 8);
    const pending = () => guest.read(guest.pba(fn), 8);
    const raise = () => {
      driver.raise();
      guest.until(() => driver.done());
    };
    const raiseMasked = () => {
      driver.raise();
      guest.until(() => physical() !== 0n);
      expect([physical(), pending()]).toEqual([1n << BigInt(driver.vector), 1n << BigInt(driver.vector)]);
      expect(guest.dispatcher.read(guest.pba(fn), 4)).toBe(1 << driver.vector);
      expect(guest.host.interrupts()).toEqual([]);
    };
    /** One message as the guest wrote it last, and then none. */
    const expectOne = () => {
      const taken = [...guest.host.interrupts()];
      guest.until(() => {
        taken.push(...guest.host.interrupts());
        return taken.length > 0;
      });
      expect(taken).toEqual([
        { sbdf: fn.sbdf, index: driver.vector, message: { addressLow: 0xfee0_3000, addressHigh: 0, data } },
      ]);
      expect([physical(), pending(), guest.host.interrupts()]).toEqual([0n, 0n, []]);
    };

    it('is assigned, and driven', () => {
      placePhysical(machine, sbdf, places);
      const { bars, ...rest } = guest.host.describe(sbdf);
      fn = guest.dispatcher.assign({
        ...rest,
        bars: bars
          .filter(({ index }) => places[index] !== undefined)
          .map((physical) => ({
            ...physical,
            hostAddress: physical.address,
            address: physical.address - SHIFT,
          })),
      });
      expect(fn.bars.map(({ hostAddress }) => hostAddress)).toEqual(Object.values(places));
      fn.config.write(COMMAND, 2, DECODE);
      // QEMU's nvme looks whether MSI-X is enabled when a queue is made.
      control(ENABLE);
      driver = start(guest.bar(fn, bar));
    });

    it('sends the message of an entry that is not masked', () => {
      write(false);
      raise();
      expectOne();
      raise();
      expectOne();
    });

    it('has a masked vector pending in the physical PBA, and sends it once when the mask ends', () => {
      guest.mask(fn, driver.vector, true);
      raiseMasked();
      guest.mask(fn, driver.vector, false);
      expectOne();
    });

    it('sends what was pending with the message that was written meanwhile', () => {
      guest.mask(fn, driver.vector, true);
      raiseMasked();
      write(true);
      expect(guest.host.interrupts()).toEqual([]);
      guest.mask(fn, driver.vector, false);
      expectOne();
    });

    it('has it pending while the function is masked', () => {
      control(ENABLE | FUNCTION_MASK);
      raiseMasked();
      control(ENABLE);
      expectOne();
    });

    it('sends nothing while MSI-X is disabled, and has a vector pending that is not armed', () => {
      control(0);
      write(true);
      raise();
      control(ENABLE);
      expect(guest.host.interrupts()).toEqual([]);
      raiseMasked();
      guest.mask(fn, driver.vector, false);
      expectOne();
    });

    it('leaves the PBA to the device', () => {
      guest.mask(fn, driver.vector, true);
      raiseMasked();
      guest.dispatcher.write(guest.pba(fn), 8, 0, 0);
      expect(physical()).toBe(1n << BigInt(driver.vector));
      guest.mask(fn, driver.vector, false);
      expectOne();
    });

    it('keeps what was sent when MSI-X is disabled before it was taken', () => {
      raise();
      control(0);
      expectOne();
      control(ENABLE);
      raise();
      expectOne();
    });

    it('is armed and masked after a snapshot that says so', () => {
      guest.mask(fn, driver.vector, true);
      const snapshot = guest.dispatcher.save();
      control(0);
      guest.dispatcher.restore(snapshot);
      expect(fn.vector(driver.vector)).toMatchObject({ armed: true, masked: true });
      raiseMasked();
      guest.mask(fn, driver.vector, false);
      expectOne();
    });

    it('is masked in the physical table when MSI-X is disabled with decoding off', () => {
      const vectorControl = guest.entry(fn, driver.vector) + SHIFT + 12;
      expect(guest.direct(vectorControl, 4)).toBe(0n);
      fn.config.write(COMMAND, 2, 0);
      expect(guest.dispatcher.read(guest.entry(fn, 0), 4)).toBe(-1);
      control(0);
      expect(guest.directConfig(sbdf, COMMAND, 2) & DECODE).toBe(0);
      fn.config.write(COMMAND, 2, DECODE);
      expect(guest.direct(vectorControl, 4)).toBe(1n);
    });
  });

  it('are armed as often as a guest likes', () => {
    const fn = guest.dispatcher.find('0000:00:05.0')!;
    const control = fn.msix!.capability! + 2;
    guest.writeEntry(fn, 0, 0xfee0_0000, 0x40, false);
    for (let round = 0; round <= 1024; round++) {
      fn.config.write(control, 2, 0);
      fn.config.write(control, 2, ENABLE);
    }
    expect(fn.vector(0).armed).toBe(true);
  });

  it('came with what the device wrote into the memory', () => expect(nvme.serial).toBe('trapline'));

  it('end with a reset by device control, after which the physical BARs are where they were', () => {
    const fn = guest.dispatcher.find('0000:00:04.0')!;
    const at = guest.bar(fn, 0);
    const CC = 0x14;
    expect(guest.direct(at + SHIFT + CC, 4)).not.toBe(0n);
    fn.config.write(0x80 + 8, 2, 0x8000);
    expect(guest.bar(fn, 0)).toBe(at);
    fn.config.write(COMMAND, 2, DECODE);
    expect([guest.read(at + CC, 4), guest.read(at + 8, 4)]).toEqual([0n, 0x0001_0400n]);
    expect(guest.direct(guest.entry(fn, 0) + SHIFT, 8)).toBe(0n);
  });
});
