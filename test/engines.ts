import { HOLDER } from '../assembly/layout.js';
import type { Width } from '../src/access.js';
import { DOORS, type Door, type DoorName, openDoors } from '../src/conform/doors.js';
import { createDispatcher, type Dispatcher, type DispatcherOptions, type Trap } from '../src/dispatcher.js';
import { SharedDispatcher } from '../src/shared/dispatcher.js';
import { createReference } from './reference/reference.js';
import { attachHere } from './shared/attach-here.js';

export interface Engine {
  readonly name: string;
  readonly create: (options: DispatcherOptions) => Trap;
}

export const reference: Engine = { name: 'reference', create: createReference };

/** Nobody has a lock when the outermost access has ended. */
class Unlocked extends SharedDispatcher {
  override read(address: number, width: Width): number {
    const value = super.read(address, width);
    this.check(`read ${address}`);
    return value;
  }

  override write(address: number, width: Width, data: number, dataHigh = 0): boolean {
    const claimed = super.write(address, width, data, dataHigh);
    this.check(`write ${address}`);
    return claimed;
  }

  private check(access: string): void {
    const { words, records, underway } = this.core;
    if (underway > 0) return;
    for (const { sbdf } of this.functions) {
      if (words[(records.of(sbdf) + HOLDER) / 4] !== 0)
        throw new Error(`${access}: function ${sbdf} is locked`);
    }
  }
}

const shared = (options: DispatcherOptions): Dispatcher => new Unlocked(options);

/** What behaviour tests iterate over: what holds for one holds for all. */
export const engines: readonly Engine[] = [
  reference,
  { name: 'wasm', create: createDispatcher },
  { name: 'shared', create: shared },
];

/** The dispatcher again, through its other doors. */
export const doors: readonly Engine[] = DOORS.flatMap((name) => [
  { name: `door ${name}`, create: (options) => by(name, createDispatcher(options)) },
  { name: `shared door ${name}`, create: (options) => by(name, shared(options)) },
]);

/** Pages are mapped by the view, and some by the dispatcher's worker too. */
export const attached: Engine = {
  name: 'attached',
  create: (options) => {
    const dispatcher = new SharedDispatcher(options);
    return new DoorTrap(dispatcher, attachHere(dispatcher, options));
  },
};

/** Accesses come by another door, everything else goes to the dispatcher. */
class DoorTrap implements Trap {
  private readonly dispatcher: Dispatcher;
  private readonly door: Door;

  constructor(dispatcher: Dispatcher, door: Door) {
    this.dispatcher = dispatcher;
    this.door = door;
  }

  get high(): number {
    return this.door.high;
  }

  assign(description: Parameters<Trap['assign']>[0]): ReturnType<Trap['assign']> {
    return this.dispatcher.assign(description);
  }

  deassign(sbdf: Parameters<Trap['deassign']>[0]): void {
    this.dispatcher.deassign(sbdf);
  }

  createPage(): ReturnType<Dispatcher['createPage']> {
    return this.dispatcher.createPage();
  }

  read(address: number, width: Width): number {
    return this.door.read(address, width);
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    return this.door.write(address, width, low, high);
  }
}

const by = (name: DoorName, dispatcher: Dispatcher): Trap =>
  new DoorTrap(dispatcher, openDoors(dispatcher)[name]);
