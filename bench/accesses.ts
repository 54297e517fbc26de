import type { Dispatcher } from 'trapline';
import { checksums, mustAgree } from './checks.js';
import { FLOOR_WRITE, loop, READ, WRITE } from './loop.js';
import { measureNative } from './native.js';
import { throughRing } from './ring.js';
import { AddressBlocks, BLOCK_SIZE, BLOCKS_START } from './rivals/address-blocks.js';
import { LinearList } from './rivals/linear-list.js';
import { MapOfPages } from './rivals/map-of-pages.js';
import { MsixDevice } from './rivals/msix-device.js';
import { SortedRanges } from './rivals/sorted-ranges.js';
import { type Effort, type Measurement, measure, type Variant } from './rounds.js';
import type { Key, Size } from './row.js';
import {
  ACCESSES,
  addresses,
  assignFunctions,
  type Case,
  cases,
  describeFunction,
  type Layout,
  layoutOf,
  mapPage,
  program,
  programFunction,
  type Subject,
  values,
  writes,
} from './topology.js';
import { createFloor, createGuest } from './wasm.js';

/** A sample of a linear list visits at most this many devices. Few accesses favour it: what they touch stays in the caches. */
const VISITS = 2 ** 18;

const data = values();

/**
 * Measures one size, everything side by side. Needs a process of its own: one dispatcher in it. `native` is the program
 * with the linear list in C.
 */
export function measureAccesses(
  { functions, vectors }: Size,
  batches: readonly number[],
  native: string | undefined,
  effort: Effort,
): Measurement {
  const layout = layoutOf(vectors);
  const places = new Map(cases.map((what) => [what, addresses(what, functions, layout)]));
  const at = (what: Case): Float64Array => places.get(what) as Float64Array;

  const dispatcher = assignFunctions(functions, layout);
  program(dispatcher, functions, layout);
  const [list, map, ranges] = [LinearList, MapOfPages, SortedRanges].map(
    (Rival) => new Rival(devices(functions, layout)),
  );
  const listed = Math.min(ACCESSES, Math.ceil(VISITS / functions));
  const answers = checksums(dispatcher, at, data, listed);
  mustAgree('linear list', answers, checksums(list, at, data, listed));
  for (const rival of [map, ranges]) checksums(rival, at, data, listed);
  const all = checksums(dispatcher, at, data, ACCESSES);
  mustAgree('map of pages', all, checksums(map, at, data, ACCESSES));
  mustAgree('sorted ranges', all, checksums(ranges, at, data, ACCESSES));

  const { canary, measured } = measure(
    [
      ...floors(at('table-read'), at('table-write')),
      ...cases.map((what) => fromJs('trapline', dispatcher, what, at(what))),
      ...cases.map((what) => fromWasm(dispatcher, what, at(what))),
      ...throughRing(dispatcher, batches, at),
      ...cases.map((what) => fromJs('linear list', list, what, at(what), listed)),
      ...cases.map((what) => fromJs('map of pages', map, what, at(what))),
      ...cases.map((what) => fromJs('sorted ranges', ranges, what, at(what))),
      ...blocks(functions, layout),
    ],
    effort,
  );
  if (native === undefined) return { canary, measured };
  const inC = measureNative(native, functions, layout, at, listed, answers, effort);
  return { canary, nativeCanary: inC.canary, measured: [...measured, ...inC.measured] };
}

/** As their drivers leave them: through the list it would take minutes to program the last ones. */
function devices(functions: number, layout: Layout): MsixDevice[] {
  return Array.from({ length: functions }, (_, index) => {
    const device = new MsixDevice(describeFunction(index, layout), mapPage);
    programFunction(device, index, layout);
    return device;
  });
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

/** v86's way only knows memory: the table's reads and writes, which are not checked against the others. */
function blocks(functions: number, layout: Layout): Variant[] {
  const subject = new AddressBlocks(functions, 16 * layout.vectors);
  const tableOf = (index: number): number => BLOCKS_START + index * BLOCK_SIZE - layout.table;
  return (['table-read', 'table-write'] as const).map((access) =>
    fromJs('address blocks', subject, access, addresses(access, functions, layout, tableOf)),
  );
}
