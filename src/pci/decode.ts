import { PAGE_SIZE } from '../access.js';
import type { DecodeResult } from '../function.js';
import { pagesOf } from '../range.js';
import type { FunctionBar } from './bar.js';
import { writeCommand } from './command.js';
import type { FunctionOwner, PciFunction } from './function.js';
import { writeRomEnable } from './rom-decoder.js';

/** Switches memory decoding on: holes made, BARs reachable, COMMAND written, in the policy's order. */
export function decodeOn(owner: FunctionOwner, fn: PciFunction): DecodeResult {
  if (fn.decoding) return unchanged(owner, fn);
  let bars: FunctionBar[] = [];
  const done = owner.attempt(fn, () => {
    bars = decodable(fn).filter((bar) => !bar.enabled);
  });
  if (!done) return 'fail';
  return owner.policy.enable === 'all-or-nothing' ? turnOn(owner, fn, bars) : turnOnAsXen(owner, fn, bars);
}

/** Switches it off: BARs unreachable first, COMMAND written last. */
export function decodeOff(owner: FunctionOwner, fn: PciFunction): DecodeResult {
  if (!fn.decoding) return unchanged(owner, fn);
  if (owner.policy.dropPages !== 'disable') {
    const done = owner.attempt(fn, () => {
      owner.disable(decodable(fn).filter((bar) => bar.enabled));
      writeCommand(owner, fn, false);
      fn.decoding = false;
    });
    return done ? 'okay' : 'fail';
  }
  fn.decoding = false;
  owner.attempt(fn, () => owner.disable(fn.enabledBars));
  owner.attempt(fn, () => owner.dropPages(fn));
  owner.attempt(fn, () => writeCommand(owner, fn, false));
  return 'okay';
}

/** What decoding being on at assign brings with it. Throws `out-of-memory`. */
export function decodeAtAssign(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): void {
  const memory = bars.length > 0;
  if (owner.exposes(bars)) {
    owner.diagnostics.report('shared-page', fn.sbdf, bars[0].address);
    return;
  }
  if (owner.policy.enable !== 'all-or-nothing') {
    if (offsetsFit(owner, fn, bars)) {
      owner.enable(bars);
      fn.decoding = memory;
    }
    owner.attempt(fn, () => punch(owner, fn, xenHole(owner, fn)));
    return;
  }
  const pages = strictHole(owner, fn, bars);
  let free = false;
  owner.attempt(fn, () => {
    free = isFree(owner, fn, pages);
  });
  if (!free) return;
  owner.enable(bars);
  fn.decoding = memory;
  if (!owner.attempt(fn, () => punch(owner, fn, pages))) {
    fn.decoding = false;
    owner.attempt(fn, () => owner.disable(bars));
  }
}

/** The ROM's enable bit: with memory decoding on the ROM becomes reachable, or the bit stays off. */
export function romOn(owner: FunctionOwner, fn: PciFunction, rom: FunctionBar): void {
  rom.followsDecode = true;
  let on = false;
  const done = owner.attempt(fn, () => {
    on = !fn.decoding || reach(owner, fn, rom);
    if (on && !rom.isCopied) writeRomEnable(fn, rom, true);
  });
  if (done && on) return;
  rom.followsDecode = false;
  if (rom.enabled) owner.attempt(fn, () => owner.disable([rom]));
}

/** Makes one more BAR of a function that decodes reachable, if nothing is in its way. */
function reach(owner: FunctionOwner, fn: PciFunction, bar: FunctionBar): boolean {
  if (!(fn.host.mayMapBar?.(fn.sbdf, bar) ?? true)) return false;
  if (owner.policy.enable !== 'all-or-nothing' && !offsetsFit(owner, fn, [bar])) return false;
  return enable(owner, fn, bar);
}

/** False, reported: something is in its way. Throws what the host throws; then it may be enabled. */
export function enable(owner: FunctionOwner, fn: PciFunction, bar: FunctionBar): boolean {
  if (!isAlone(owner, fn, [bar])) return false;
  const pages = strictHole(owner, fn, [bar]);
  if (!isFree(owner, fn, pages)) return false;
  owner.enable([bar]);
  punch(owner, fn, pages);
  return true;
}

export function romOff(owner: FunctionOwner, fn: PciFunction, rom: FunctionBar): void {
  rom.followsDecode = false;
  if (rom.enabled) owner.attempt(fn, () => owner.disable([rom]));
  if (!rom.isCopied) owner.attempt(fn, () => writeRomEnable(fn, rom, false));
}

/** All or nothing: OFF; MAPPING, in which no access is accepted yet; ON. */
function turnOn(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): DecodeResult {
  if (!isAlone(owner, fn, bars)) return 'fail';
  const pages = strictHole(owner, fn, bars);
  let state = 'off' as 'off' | 'mapping' | 'decoding';
  const done = owner.attempt(fn, () => {
    if (!isFree(owner, fn, pages)) return;
    owner.map(bars);
    state = 'mapping';
    punch(owner, fn, pages);
    writeCommand(owner, fn, true);
    state = 'decoding';
    owner.accept(bars);
    fn.decoding = true;
  });
  if (done && fn.decoding) return 'okay';
  if (state !== 'off') owner.attempt(fn, () => owner.disable(bars));
  if (state === 'decoding') owner.attempt(fn, () => writeCommand(owner, fn, false));
  return 'fail';
}

function turnOnAsXen(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): DecodeResult {
  const barsFirst = owner.policy.enable === 'bars-first';
  if (!isAlone(owner, fn, bars) || !offsetsFit(owner, fn, bars)) return 'fail';
  let on = false;
  owner.attempt(fn, () => {
    if (barsFirst) owner.enable(bars);
    if (!punch(owner, fn, xenHole(owner, fn))) return;
    if (owner.hardware) owner.dropPages(fn);
    if (!barsFirst) owner.enable(bars);
    writeCommand(owner, fn, true);
    fn.decoding = true;
    on = true;
  });
  return on ? 'okay' : 'fail';
}

function unchanged(owner: FunctionOwner, fn: PciFunction): DecodeResult {
  owner.attempt(fn, () => writeCommand(owner, fn, fn.decoding));
  return 'noop';
}

/** BARs that follow the decode bit: memory, the ROM only when its own enable bit was set, and as the host allows. */
function decodable(fn: PciFunction): FunctionBar[] {
  return fn.bars.filter((bar) => bar.followsDecode && (fn.host.mayMapBar?.(fn.sbdf, bar) ?? true));
}

/** Pages of table and PBA, in this order. */
function xenHole(owner: FunctionOwner, fn: PciFunction): number[] {
  const all = owner.policy.hole === 'always';
  return [fn.table, fn.pba]
    .filter((structure) => structure !== undefined)
    .flatMap((structure) => (all || structure.bar?.enabled ? pagesOf(structure) : []));
}

/** Pages of table and PBA, in this order, then those that come to be shared. */
function strictHole(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): number[] {
  const structures = [fn.table, fn.pba].filter((at) => at?.bar && bars.includes(at.bar));
  return [...structures.flatMap((at) => (at ? pagesOf(at) : [])), ...owner.sharedPages(bars)];
}

/** False, reported: Xen maps whole pages, so page offsets in guest and host must be equal. */
function offsetsFit(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): boolean {
  const odd = bars.find((bar) => (bar.address - bar.hostAddress) % PAGE_SIZE !== 0);
  if (odd) owner.diagnostics.report('page-offset', fn.sbdf, odd.address);
  return odd === undefined;
}

/** False, reported: a BAR of another guest is on their pages, or an enabled one has some of their bytes (policy strict). */
function isAlone(owner: FunctionOwner, fn: PciFunction, bars: readonly FunctionBar[]): boolean {
  if (owner.exposes(bars)) {
    owner.diagnostics.report('shared-page', fn.sbdf, bars[0].address);
    return false;
  }
  if (owner.policy.sharedPage !== 'owner' || owner.overlaps(bars).length === 0) return true;
  owner.diagnostics.report('overlap', fn.sbdf, bars[0].address);
  return false;
}

/** False, reported: the guest has something there that is not the host page itself. */
function isFree(owner: FunctionOwner, fn: PciFunction, pages: readonly number[]): boolean {
  const occupied = pages.find((page) => fn.host.guestMapping?.(page) === 'other');
  if (occupied === undefined) return true;
  owner.diagnostics.report('hole-occupied', fn.sbdf, occupied);
  return false;
}

/** Removes the guest's identity mappings; false, reported, at the first page that holds something else. */
function punch(owner: FunctionOwner, fn: PciFunction, pages: readonly number[]): boolean {
  for (const page of pages) {
    const mapping = fn.host.guestMapping?.(page) ?? 'none';
    if (mapping === 'other') return isFree(owner, fn, [page]);
    if (mapping === 'identity') fn.host.removeGuestMapping?.(page);
  }
  return true;
}
