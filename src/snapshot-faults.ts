import { ADDRESS_LIMIT } from './access.js';
import type { Domain } from './domain.js';
import { bytesOfHex, hex } from './hexadecimal.js';
import { isInteger } from './integer.js';
import type { FunctionBar } from './pci/bar.js';
import { BAR_GRAIN, IO_GRAIN } from './pci/bar-register.js';
import type { PciFunction } from './pci/function.js';
import { FUNCTION_MASK, MSIX_ENABLE } from './pci/msix-capability.js';
import { rangeFault } from './pci/validate.js';
import { formatSbdf } from './sbdf.js';
import type { BarSnapshot, Snapshot } from './snapshot.js';

const WORD = 0xffffffff;

type Fields = Readonly<Record<string, unknown>>;
type Fault = (path: string, value: unknown, rule: string) => void;

/** Why a value is no snapshot of a dispatcher with these functions, a sentence for each field. */
export function snapshotFaults(value: unknown, { policy, hardware, functions }: Domain): string[] {
  const faults: string[] = [];
  const fault: Fault = (path, found, rule) => {
    faults.push(`restore: ${path} ${JSON.stringify(found) ?? 'undefined'} ${rule}`);
  };
  if (!isFields(value)) return [`restore: the snapshot is not an object`];
  if (value.version !== 2) return [`restore: version ${JSON.stringify(value.version)} is not 2`];
  if (value.policy !== policy.name) fault('policy', value.policy, `is not ${policy.name}`);
  const domain = hardware ? 'hardware' : 'guest';
  if (value.domain !== domain) fault('domain', value.domain, `is not ${domain}`);
  const assigned = [...functions.values()];
  const states = value.functions;
  if (!isList(states, assigned.length)) {
    fault('functions', states, `is not a list of ${assigned.length}, the functions assigned`);
    return faults;
  }
  for (const [index, fn] of assigned.entries()) {
    checkFunction(fn, states[index], `functions[${index}]`, hardware, fault);
  }
  if (faults.length === 0 && policy.sharedPage === 'owner') checkOwners(value as unknown as Snapshot, fault);
  return faults;
}

function checkFunction(fn: PciFunction, state: unknown, path: string, hardware: boolean, fault: Fault): void {
  const name = formatSbdf(fn.sbdf);
  if (!isFields(state) || state.sbdf !== name) {
    fault(
      path,
      isFields(state) ? state.sbdf : state,
      `is not of ${name}, the function assigned in this place`,
    );
    return;
  }
  checkConfig(fn, state.config, `${path}.config`, fault);
  if (!isInteger(state.command, 0, 0xffff) || (state.command & ~fn.commandBits) !== 0) {
    fault(`${path}.command`, state.command, `is not within ${hex(fn.commandBits)}`);
  }
  checkFlag(state.decoding, `${path}.decoding`, fault);
  const { bars } = state;
  if (!isList(bars, fn.bars.length)) fault(`${path}.bars`, bars, `is not a list of ${fn.bars.length}`);
  else {
    for (const [index, bar] of fn.bars.entries()) {
      checkBar(bar, bars[index], `${path}.bars[${index}]`, hardware, fault);
    }
  }
  checkRanges(fn, state.ranges, `${path}.ranges`, fault);
  if (fn.msixState) checkMsix(fn, state.msix, `${path}.msix`, fault);
  else if (state.msix !== null) fault(`${path}.msix`, state.msix, 'is not null: the function has no MSI-X');
}

function checkConfig(fn: PciFunction, config: unknown, path: string, fault: Fault): void {
  const { size } = fn.config;
  if (typeof config !== 'string' || config.length !== 2 * size || !/^[0-9a-f]*$/.test(config)) {
    const found = typeof config === 'string' ? `${config.length} digits` : config;
    fault(path, found, `is not ${size} bytes in lower-case hexadecimal`);
    return;
  }
  const at = fn.config.differsAt(bytesOfHex(config));
  if (at === undefined) return;
  fault(`${path}[${hex(at)}]`, config.slice(2 * at, 2 * at + 2), 'differs in bits that nothing changes');
}

function checkBar(bar: FunctionBar, state: unknown, path: string, hardware: boolean, fault: Fault): void {
  if (!isFields(state)) {
    fault(path, state, 'is not an object');
    return;
  }
  for (const field of ['index', 'type', 'size'] as const) {
    if (state[field] !== bar[field]) fault(`${path}.${field}`, state[field], `is not ${bar[field]}`);
  }
  const grain = bar.isMemory ? BAR_GRAIN : IO_GRAIN;
  if (!isInteger(state.low, 0, WORD) || state.low % grain !== 0) {
    fault(`${path}.low`, state.low, `is not a multiple of ${grain} in [0, 2^32)`);
  }
  if (!isInteger(state.high, 0, WORD)) fault(`${path}.high`, state.high, 'is not an integer in [0, 2^32)');
  checkFlag(state.enabled, `${path}.enabled`, fault);
  const { hostMoved, romEnable } = state;
  if (hostMoved !== undefined) checkFlag(hostMoved, `${path}.hostMoved`, fault);
  if (hostMoved === true && !hardware) {
    fault(`${path}.hostMoved`, true, 'is of a guest domain, which moves no physical BAR');
  }
  if (bar.type === 'rom') checkFlag(romEnable, `${path}.romEnable`, fault);
  else if (romEnable !== undefined) fault(`${path}.romEnable`, romEnable, 'is of no ROM');
  if (state.enabled === true && (!bar.isMemory || romEnable === false)) {
    fault(
      `${path}.enabled`,
      true,
      bar.isMemory ? 'is of a ROM whose enable bit is clear' : 'is of an I/O BAR',
    );
  }
}

/** The regions themselves are the embedder's, placed anywhere in the same order. */
function checkRanges(fn: PciFunction, ranges: unknown, path: string, fault: Fault): void {
  if (!isList(ranges, fn.ranges.length)) {
    fault(path, ranges, `is not a list of ${fn.ranges.length}`);
    return;
  }
  for (const [index, { region }] of fn.ranges.entries()) {
    const at = `${path}[${index}]`;
    const range = ranges[index];
    const { address, size, state } = isFields(range) ? range : {};
    if (size !== region.size) fault(`${at}.size`, size, `is not ${region.size}`);
    const rule = rangeFault(region, address);
    if (rule) fault(`${at}.address`, address, rule);
    for (const rule of region.stateFaults?.(state) ?? (state === null ? [] : ['is not null'])) {
      fault(`${at}.state`, state, rule);
    }
  }
}

function checkMsix(fn: PciFunction, state: unknown, path: string, fault: Fault): void {
  const { layout } = fn.msixState as { layout: NonNullable<PciFunction['msix']> };
  if (!isFields(state)) {
    fault(path, state, 'is not an object');
    return;
  }
  for (const name of ['table', 'pba'] as const) {
    const { bir, offset } = layout[name];
    const found = state[name];
    if (!isFields(found) || found.bir !== bir || found.offset !== offset) {
      fault(`${path}.${name}`, found, `is not BIR ${bir}, offset ${offset}`);
    }
  }
  const { control, entries, pending, uses } = state;
  if (!isInteger(control, 0, 0xffff) || (control & ~(MSIX_ENABLE | FUNCTION_MASK)) !== layout.count - 1) {
    fault(`${path}.control`, control, `is not a Message Control of ${layout.count} entries`);
  }
  if (!isList(entries, layout.count)) fault(`${path}.entries`, entries, `is not a list of ${layout.count}`);
  else {
    for (const [index, entry] of entries.entries()) {
      checkEntry(entry, `${path}.entries[${index}]`, fn.interrupts !== undefined, fault);
    }
  }
  if (!fn.interrupts) {
    if (pending !== undefined)
      fault(`${path}.pending`, pending, 'is of a real function, whose device keeps them');
    if (uses !== undefined) fault(`${path}.uses`, uses, 'is of a real function');
    return;
  }
  if (!Array.isArray(pending) || !pending.every((vector) => isInteger(vector, 0, layout.count - 1))) {
    fault(`${path}.pending`, pending, `is not a list of vectors below ${layout.count}`);
  }
  if (!isList(uses, layout.count) || !uses.every((count) => isInteger(count, 0, WORD))) {
    fault(`${path}.uses`, uses, `is not a list of ${layout.count} integers in [0, 2^32)`);
  }
}

function checkEntry(entry: unknown, path: string, software: boolean, fault: Fault): void {
  if (!isFields(entry)) {
    fault(path, entry, 'is not an object');
    return;
  }
  for (const field of ['addressLow', 'addressHigh', 'data']) {
    if (!isInteger(entry[field], 0, WORD))
      fault(`${path}.${field}`, entry[field], 'is not an integer in [0, 2^32)');
  }
  for (const field of ['masked', 'updated', 'armed']) checkFlag(entry[field], `${path}.${field}`, fault);
  if (software && entry.armed === true)
    fault(`${path}.armed`, true, 'is of a software function, which arms nothing');
}

/** Policy strict: a BAR is enabled only while its function decodes, and alone has its bytes. */
function checkOwners({ functions }: Snapshot, fault: Fault): void {
  const start = ({ low, high }: BarSnapshot) => high * 2 ** 32 + low;
  const enabled = functions.flatMap(({ bars, decoding, ranges }, index) => [
    ...bars.flatMap((bar, position) => {
      if (!bar.enabled) return [];
      const path = `functions[${index}].bars[${position}]`;
      if (!decoding) fault(`${path}.enabled`, true, 'is of a function that does not decode');
      return [{ path, start: start(bar), end: start(bar) + bar.size }];
    }),
    ...ranges.map(({ address, size }, position) => ({
      path: `functions[${index}].ranges[${position}]`,
      start: address,
      end: address + size,
    })),
  ]);
  enabled.sort((a, b) => a.start - b.start);
  for (const [index, bar] of enabled.entries()) {
    const next = enabled[index + 1];
    if (next && next.start < bar.end && next.start < ADDRESS_LIMIT)
      fault(next.path, next.start, `overlaps ${bar.path}`);
  }
}

function checkFlag(value: unknown, path: string, fault: Fault): void {
  if (typeof value !== 'boolean') fault(path, value, 'is not true or false');
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isList = (value: unknown, length: number): value is readonly unknown[] =>
  Array.isArray(value) && value.length === length;
