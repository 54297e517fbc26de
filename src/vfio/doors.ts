import { TraplineError } from '../errors.js';
import type { PciFunction } from '../pci/function.js';
import { formatSbdf } from '../sbdf.js';
import { type DoorOwner, FunctionDoor, type RegionDoor, type RegionDoorOptions } from './door.js';
import { type Errno, errno } from './errno.js';

/** The open region doors of a dispatcher: at most one a function. */
export class RegionDoors {
  private readonly owner: DoorOwner;
  private readonly doors = new Map<PciFunction, FunctionDoor>();

  constructor(owner: DoorOwner) {
    this.owner = owner;
  }

  open(fn: PciFunction, { mapping = 'lazy', regions = [] }: RegionDoorOptions): RegionDoor | Errno {
    if (mapping !== 'lazy' && mapping !== 'eager') {
      throw new TraplineError(
        'bad-argument',
        `openRegions: function ${formatSbdf(fn.sbdf)}: mapping ${mapping} is not lazy or eager`,
      );
    }
    if (this.doors.has(fn)) return errno.EBUSY;
    const door = new FunctionDoor(fn, this.owner, regions, () => this.doors.delete(fn));
    this.doors.set(fn, door);
    const failed = door.open(mapping === 'eager');
    if (failed !== 0) this.doors.delete(fn);
    return failed || door;
  }

  /** Revokes the door that is open on a function, if one is. */
  revoke(fn: PciFunction): void {
    this.doors.get(fn)?.revoke();
  }
}
