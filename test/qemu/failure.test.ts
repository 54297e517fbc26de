import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QtestError, QtestHost } from '../../src/hosts/qtest.js';
import { COMMAND, DECODE, enableEcam, Guest } from './guest.js';
import { hasQemu, Machine } from './machine.js';

describe.skipIf(!hasQemu)('a machine of QEMU that fails', () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine('nvme,addr=4,serial=trapline,drive=disk');
    enableEcam(machine);
  });
  afterAll(() => machine?.close());

  it.each(['mailbox', 'ecam'])('is refused as a host with a %s that is no page', (name) => {
    const options = { qtest: machine.qtest, mailbox: 0, [name]: 0x1004 };
    expect(() => new QtestHost(options)).toThrow(`QtestHost: ${name} 4100 is not a multiple of 4096`);
  });

  it('has no table in a BAR that was never placed: memory is left alone', () => {
    const guest = new Guest(machine, { domain: 'hardware' });
    const fn = guest.dispatcher.assign(guest.host.describe('00:04.0'));
    fn.config.write(COMMAND, 2, DECODE);
    expect(guest.entry(fn, 0)).toBe(0x2000);
    guest.writeEntry(fn, 0, 0xfee0_0000, 0x41, false);
    fn.config.write(fn.msix!.capability! + 2, 2, 0x8000);
    expect(guest.errors).toEqual([
      new QtestError('qtest: the table of function 0000:00:04.0 has no address'),
    ]);
    expect(guest.direct(0x2000, 8)).toBe(0n);
    fn.config.write(COMMAND, 2, 0);
    guest.dispatcher.deassign(fn.sbdf);
  });

  it('leaves the guest ones, and the embedder one error, when it ends', () => {
    const guest = new Guest(machine, { domain: 'hardware' });
    const fn = guest.dispatcher.assign(guest.host.describe('00:04.0'));
    guest.place(fn, { 0: 0xe000_0000 });
    expect(guest.read(0xe000_0008, 4)).toBe(0x0001_0400n);
    machine.kill();
    const until = performance.now() + 10_000;
    while (guest.errors.length === 0 && performance.now() < until) guest.read(0xe000_0008, 4);
    const [error] = guest.errors;
    expect(error).toBeInstanceOf(QtestError);
    expect((error as Error).message).toMatch(/QEMU has ended$/);
    expect(guest.read(0xe000_0008, 4)).toBe(0xffff_ffffn);
    guest.dispatcher.write(0xe000_0014, 4, 0);
    fn.config.write(4, 2, 0);
    expect(new Set(guest.errors)).toEqual(new Set([error]));
    expect(fn.decoding).toBe(false);
    expect(() => guest.host.describe('00:04.0')).toThrow(error as Error);
  });
});
