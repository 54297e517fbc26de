import type { Dispatcher } from 'trapline';
import { FLOOR_WRITE, loop, READ, WRITE } from './loop.js';
import { throughRing } from './ring.js';
import { AddressBlocks, BLOCK_SIZE, BLOCKS_START } from './rivals/address-blocks.js';
import { LinearList } from './rivals/linear-list.js';
import { MapOfPages } from './rivals/map-of-pages.js';
import { type Effort, type Measurement, measure, type Variant } from './rounds.js';
import type { Key } from './row.js';
import {
  ACCESSES,
  addresses,
  assignFunctions,
  type Case,
  cases,
  describeFunction,
  mapPage,
  program,
  type Subject,
  TABLE,
  values,
  writes,
} from './topology.js';
import { createFloor, createGuest } from './wasm.js';

/** A sample of the linear list visits at most this many devices. */
const VISITS = 2 ** 18;

const data = values();

/** Measures one number of functions, everything side by side. Needs a process of its own: one dispatcher in it. */
export function measureAccesses(functions: number, batches: readonly number[], effort: Effort): Measurement {
  const places = new Map(cases.map((what) => [what, addresses(what, functions)]));
  const at = (what: Case): Float64Array => places.get(what) as Float64Array;

  const descriptions = Array.from({ length: functions }, (_, index) => describeFunction(index));
  const dispatcher = assignFunctions(functions);
  const list = new LinearList(descriptions, mapPage);
  const map = new MapOfPages(descriptions, mapPage);
  program(dispatcher, functions);
  program(map, functions);
  const listed = Math.min(ACCESSES, Math.ceil(VISITS / functions));

  return measure(
    [
      ...floors(at('table-read'), at('table-write')),
      ...cases.map((what) => fromJs('trapline', dispatcher, what, at(what))),
      ...cases.map((what) => fromWasm(dispatcher, what, at(what))),
      ...throughRing(dispatcher, batches, at),
      ...cases.map((what) => fromJs('linear list', list, what, at(what), listed)),
      ...cases.map((what) => fromJs('map of pages', map, what, at(what))),
      ...blocks(functions),
    ],
    effort,
  );
}

export function floors(reads: Float64Array, written: Float64Array): Variant[] {
  const floor = createFloor();
  const storing = { write: floor.storing_write };
  const guest = createGuest({ trap_read: floor.trap_read, trap_write: floor.trap_write }, reads);
  const storingGuest = createGuest(
    { trap_read: floor.trap_read, trap_write: floor.storing_trap_write },
    written,
  );
  const variant = (door: Key['door'], access: Key['access'], run: Variant['run']): Variant => ({
    key: { subject: 'floor', door, access },
    accesses: ACCESSES,
    run,
  });
  return [
    variant('js', 'read', loop('floor read', READ, floor, reads, data)),
    variant('js', 'write', loop('floor write', FLOOR_WRITE, floor, written, data)),
    variant('js', 'storing write', loop('floor storing write', FLOOR_WRITE, storing, written, data)),
    variant('wasm', 'read', guest.read),
    variant('wasm', 'write', guest.write),
    variant('wasm', 'storing write', storingGuest.write),
  ];
}

export function fromJs(
  name: Key['subject'],
  subject: Subject,
  access: Case,
  places: Float64Array,
  accesses = ACCESSES,
): Variant {
  const run = loop(`${name} ${access}`, writes(access) ? WRITE : READ, subject, places, data);
  return { key: { subject: name, door: 'js', access }, accesses, run };
}

function fromWasm(dispatcher: Dispatcher, access: Case, places: Float64Array): Variant {
  const guest = createGuest(dispatcher.attach(), places);
  const run = writes(access) ? guest.write : guest.read;
  return { key: { subject: 'trapline', door: 'wasm', access }, accesses: ACCESSES, run };
}

/** v86's way only knows memory: the table's reads and writes. */
function blocks(functions: number): Variant[] {
  const subject = new AddressBlocks(functions);
  return (['table-read', 'table-write'] as const).map((access) => {
    const places = addresses(access, functions, (index) => BLOCKS_START + index * BLOCK_SIZE - TABLE);
    return fromJs('address blocks', subject, access, places);
  });
}
