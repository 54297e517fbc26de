import { createMachine, type Machine } from '../../../src/guest/machine.js';
import { AccessWatch } from '../../../src/inspect/page/access-watch.js';

/** Where the BARs are: the small ones on one page, at 0x600, 0x400 and 0, as the guest has them first. */
export const SMALL = 0xd1924000;
export const LARGE = 0xf2000000;
export const TABLE = SMALL + 0x680;
export const PBA = SMALL + 0x6a0;

export interface WatchedMachine {
  readonly machine: Machine;
  readonly watch: AccessWatch;
  /** v86's doors. */
  read(address: number, width: number): number;
  write(address: number, width: number, data: number, high?: number): void;
  /** Where what nobody claimed went. */
  readonly fallen: string[];
  /** Milliseconds, for the watch. */
  time: number;
}

/** The bare-metal guest's machine, its BARs placed and decoded, with a watch on its doors. */
export function watchedMachine(): WatchedMachine {
  const machine = createMachine({ send: () => {} });
  const [small, large] = machine.functions;
  for (const [index, address] of [SMALL + 0x600, SMALL + 0x400, SMALL].entries())
    small.moveBar(index, address);
  large.moveBar(0, LARGE);
  for (const fn of machine.functions) fn.setDecode(true);
  const fallen: string[] = [];
  const made = { time: 0 };
  const watch = new AccessWatch(machine.dispatcher, () => made.time);
  const doors = watch.attach({
    read: (low, _high, width) => {
      fallen.push(`read ${(low >>> 0).toString(16)} ${width}`);
      return -1;
    },
    write: (low, _high, width) => {
      fallen.push(`write ${(low >>> 0).toString(16)} ${width}`);
    },
  });
  return Object.assign(made, {
    machine,
    watch,
    fallen,
    read: (address: number, width: number) => doors.trap_read(address | 0, 0, width),
    write: (address: number, width: number, data: number, high = 0) =>
      doors.trap_write(address | 0, 0, width, data, high),
  });
}
