import { ones, UNCLAIMED, type Width } from '../access.js';
import type { DiagnosticCode } from '../diagnostics.js';
import type { MsixLayout, TrappedFunction } from '../function.js';
import { hex } from '../hexadecimal.js';
import type { Vector } from '../host.js';
import { MSIX_ENTRY } from '../msix-layout.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../pci/msix-capability.js';
import { FIELDS, type Field, range } from './place.js';
import type { HostAccess, PolicyMachine, Recording } from './policy-machine.js';

/** Fields of one table entry that were read or changed. */
export interface EntryAccess {
  readonly index: number;
  readonly fields: readonly Field[];
}

/** What became of a read or a write. */
export interface Outcome {
  /**
   * - `unclaimed`: it does not trap here.
   * - `none`: all ones, or dropped.
   * - `entry`: the emulated table answered.
   * - `copy`: the copy of the ROM did.
   * - `pending`: the emulated PBA did.
   * - `host`: the device did.
   * - `partly`: some bytes went to the device, the others are all ones, or dropped.
   */
  readonly result: 'unclaimed' | 'none' | 'entry' | 'copy' | 'pending' | 'host' | 'partly';
  readonly host: readonly HostAccess[];
  readonly entry: EntryAccess | undefined;
  /** A write of vector control: whether its bit 0 was set. */
  readonly mask: boolean | undefined;
  /** Index of the vector that the host delivers from then on. */
  readonly arms: number | undefined;
  readonly diagnostics: readonly DiagnosticCode[];
  /** All that in words. */
  readonly text: string;
}

/** Entry dwords that tell the fields apart; bit 0 keeps vector control masked, whichever of them it is. */
const PATTERN = [0xfee0_0001, 0xfee1_0001, 0xfee2_0001, 0xfee3_0001];

/** What a read does: the entries under it are written and masked, as a driver leaves them before it unmasks. */
export function readOutcome(machine: PolicyMachine, address: number, width: Width): Outcome {
  const entries = prepare(machine, address, width);
  let value = 0;
  const recording = machine.record(() => {
    value = machine.dispatcher.read(address, width);
  });
  if (value === UNCLAIMED) return unclaimed();
  if (recording.host.length === 0 && machine.dispatcher.locate(address)?.owner === 'rom') {
    return { ...outcome('read', machine, address, width, recording), result: 'copy', text: "the ROM's copy" };
  }
  const lanes = width === 8 ? [value, machine.dispatcher.high] : [value];
  const isOnes = lanes.every((lane) => lane === ones(width));
  if (machine.software && !isOnes && machine.dispatcher.locate(address)?.owner === 'pba') {
    const text = 'the pending bits of the emulated PBA';
    return { ...outcome('read', machine, address, width, recording), result: 'pending', text };
  }
  const answered = recording.host.length > 0 || isOnes ? [] : entries;
  const entry = answered.map((at) => at.read(lanes)).find((found) => found !== undefined);
  return outcome('read', machine, address, width, recording, entry);
}

/** What a write does: once, or where bit 0 of vector control decides, first with it clear, then with it set. */
export function writeOutcomes(machine: PolicyMachine, address: number, width: Width): Outcome[] {
  const entries = prepare(machine, address, width);
  const [clear, set] = [0, 0xffffffff].map((data) => {
    const before = entries.map((entry) => entry.vector);
    let claimed = false;
    const recording = machine.record(() => {
      claimed = machine.dispatcher.write(address, width, data & ones(width), data);
    });
    if (!claimed) return unclaimed();
    const entry = entries.map((at, index) => at.changed(before[index])).find((found) => found !== undefined);
    const live = entries.some((at) => at.live);
    const mask = entry?.fields.includes('vector control') ? data !== 0 : undefined;
    return outcome('write', machine, address, width, recording, entry, mask, live);
  });
  return clear.mask === undefined && set.mask === undefined ? [clear] : [clear, set];
}

/** A table entry under the access. */
class Entry {
  readonly fn: TrappedFunction;
  readonly index: number;

  constructor(fn: TrappedFunction, index: number) {
    this.fn = fn;
    this.index = index;
  }

  get vector(): Vector {
    return this.fn.vector(this.index);
  }

  /** MSI-X is enabled, the function not masked. */
  get live(): boolean {
    return (this.fn.messageControl & (MSIX_ENABLE | FUNCTION_MASK)) === MSIX_ENABLE;
  }

  /** The fields that these dwords are the values of. */
  read(lanes: readonly number[]): EntryAccess | undefined {
    const values = dwords(this.vector);
    const fields = lanes.map((lane) => FIELDS[values.indexOf(lane)]);
    return fields.includes(undefined as never) ? undefined : { index: this.index, fields };
  }

  changed(before: Vector): EntryAccess | undefined {
    const old = dwords(before);
    const fields = dwords(this.vector).flatMap((value, index) =>
      value === old[index] ? [] : [FIELDS[index]],
    );
    return fields.length > 0 ? { index: this.index, fields } : undefined;
  }
}

const dwords = ({ addressLow, addressHigh, data, masked }: Vector): number[] => [
  addressLow,
  addressHigh,
  data,
  masked ? 1 : 0,
];

/** The entries of any function that have bytes of the access, written through the dispatcher. */
function prepare({ dispatcher }: PolicyMachine, address: number, width: Width): Entry[] {
  return dispatcher.functions.flatMap((fn) => {
    const start = tableStart(fn);
    if (start === undefined) return [];
    const first = Math.max(0, Math.floor((address - start) / MSIX_ENTRY));
    const last = Math.min(
      (fn.msix as MsixLayout).count - 1,
      Math.floor((address + width - 1 - start) / MSIX_ENTRY),
    );
    const entries: Entry[] = [];
    for (let index = first; index <= last; index++) {
      for (const [dword, value] of PATTERN.entries()) {
        dispatcher.write(start + MSIX_ENTRY * index + 4 * dword, 4, value);
      }
      entries.push(new Entry(fn, index));
    }
    return entries;
  });
}

function tableStart({ msix, bars }: TrappedFunction): number | undefined {
  const bar = msix && bars.find(({ index, type }) => index === msix.table.bir && type !== 'io');
  return bar && bar.address + msix.table.offset;
}

function unclaimed(): Outcome {
  return {
    result: 'unclaimed',
    host: [],
    entry: undefined,
    mask: undefined,
    arms: undefined,
    diagnostics: [],
    text: 'not claimed: it does not trap here',
  };
}

function outcome(
  kind: 'read' | 'write',
  { software }: PolicyMachine,
  address: number,
  width: Width,
  recording: Recording,
  entry?: EntryAccess,
  mask?: boolean,
  live = false,
): Outcome {
  const { host, armed, diagnostics } = recording;
  const lost = kind === 'read' ? 'all ones' : 'dropped';
  const served = new Set(host.flatMap((access) => bytesOf(access, address)));
  const rest = Array.from({ length: width }, (_, index) => index).filter((index) => !served.has(index));
  const result = entry ? 'entry' : host.length === 0 ? 'none' : rest.length === 0 ? 'host' : 'partly';
  const texts = {
    entry: () =>
      kind === 'read'
        ? readText(entry)
        : writeText(entry, mask, recording, live, software ? 'model' : 'host'),
    none: () => lost,
    host: () => hostText(kind, host, software),
    partly: () => `${hostText(kind, host, software)}; ${runs(rest)} ${lost}`,
  };
  return {
    result,
    host,
    entry,
    mask,
    arms: armed[0],
    diagnostics,
    text: texts[result]() + (diagnostics.length > 0 ? ` [${[...new Set(diagnostics)].join(', ')}]` : ''),
  };
}

/** Which bytes of the guest's access a host access served: host pages keep the offset in the page. */
function bytesOf(access: HostAccess, address: number): number[] {
  const first = (access.address - address) & 0xfff;
  return Array.from({ length: access.width }, (_, index) => first + index);
}

function readText(entry: EntryAccess | undefined): string {
  return `the guest's entry ${entry?.index}: ${entry?.fields.join(', ')}`;
}

function writeText(
  entry: EntryAccess | undefined,
  mask: boolean | undefined,
  { armed, masked }: Recording,
  live: boolean,
  who: 'host' | 'model',
): string {
  const stored = entry?.fields.filter((field) => field !== 'vector control') ?? [];
  const texts =
    stored.length > 0 ? [`stores ${stored.join(' and ')} of the guest's entry ${entry?.index}`] : [];
  if (mask === true) {
    texts.push(
      `masks vector ${entry?.index}${masked.some((at) => at.armed) ? `; the ${who} ${who === 'host' ? 'masks it too' : 'is told'}` : ''}`,
    );
  }
  if (mask === false) {
    const effect = armed.length > 0 ? 'arms it with the address and data written' : notArmed(live);
    texts.push(`unmasks vector ${entry?.index} and ${effect}`);
  }
  return texts.join('; ');
}

const notArmed = (live: boolean): string =>
  live ? 'arms nothing' : 'arms nothing yet: MSI-X is disabled, or the function masked';

function hostText(kind: 'read' | 'write', host: readonly HostAccess[], software: boolean): string {
  const [who, what] = software ? ['the device model', kind] : ['the device', `host ${kind}`];
  if (host.length === 1) return `${who}: ${what} of ${bytes(host[0].width)} at ${hex(host[0].address)}`;
  return `${who}, byte by byte: ${what}s at ${addressRuns(host.map(({ address }) => address))}`;
}

const bytes = (width: number): string => `${width} byte${width === 1 ? '' : 's'}`;

/** `byte 1`, `bytes 0..1, 3` */
function runs(indices: readonly number[]): string {
  const joined = consecutive(indices).map(([first, last]) => range(first, last));
  return `byte${indices.length > 1 ? 's' : ''} ${joined.join(', ')}`;
}

function addressRuns(addresses: readonly number[]): string {
  return consecutive(addresses)
    .map(([first, last]) => (first === last ? hex(first) : `${hex(first)}..${hex(last)}`))
    .join(', ');
}

/** Ascending numbers as ranges without gaps. */
function consecutive(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const value of numbers) {
    const open = ranges.at(-1);
    if (open && open[1] === value - 1) open[1] = value;
    else ranges.push([value, value]);
  }
  return ranges;
}
