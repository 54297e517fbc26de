import type { DecodeResult } from '../../src/function.js';
import type { GuestMapping } from '../../src/host.js';
import { type Context, callHost } from './context.js';
import { overlap, pagesOf, type Range, touches } from './range.js';
import {
  holdsRegister,
  isMappable,
  type ReferenceBar,
  type ReferenceFunction,
  rangeOf,
  samePageOffset,
} from './reference-function.js';
import { ReferenceRegion } from './region.js';

const COMMAND = 4;
const MEMORY = 0x0002;
const INTX_DISABLE = 0x0400;

/** A write of COMMAND. What it changes when, and what is left when it fails, is the policy's. */
export function setDecode(context: Context, f: ReferenceFunction, on: boolean): DecodeResult {
  const { policy, host } = context;
  // INTx stays disabled while a guest domain uses MSI-X, whatever it writes to COMMAND.
  const noIntx = policy.intx === 'disabled' && !context.hardware && f.vectors?.enabled;
  const command = (on ? MEMORY : 0) | (noIntx ? INTX_DISABLE : 0);
  const writeCommand = () => callHost(f.sbdf, () => host.writeConfig?.(f.sbdf, COMMAND, command));

  if (f.decoding === on) {
    context.guard(undefined, writeCommand, undefined);
    return 'noop';
  }

  if (policy.enable === 'all-or-nothing') {
    if (!on) {
      for (const bar of f.memoryBars) bar.enabled = false;
      f.decoding = false;
      context.guard(undefined, () => f.pages.drop(), undefined);
      context.guard(undefined, writeCommand, undefined);
      return 'okay';
    }
    const enabling = changeable(context, f, on);
    const hole = strictHole(context, f, enabling);
    if (!hole) return 'fail';
    for (const page of hole) callHost(f.sbdf, () => host.removeGuestMapping?.(page));
    writeCommand();
    for (const bar of enabling) bar.enabled = true;
    f.decoding = true;
    return 'okay';
  }

  const bars = changeable(context, f, on);
  if (on && !offsetsFit(context, f, bars)) return 'fail';
  const setBars = () => {
    for (const bar of bars) bar.enabled = on;
  };
  if (!on || policy.enable === 'bars-first') setBars();
  if (on && !makeHole(context, f)) return 'fail';
  setBars();
  writeCommand();
  f.decoding = on;
  return 'okay';
}

/** Xen maps whole pages: page offsets in guest and host must be equal. */
export function offsetsFit(context: Context, f: ReferenceFunction, bars: readonly ReferenceBar[]): boolean {
  const odd = bars.find((bar) => !samePageOffset(bar));
  if (odd) context.diagnostics.report('page-offset', f.sbdf, odd.address);
  return odd === undefined;
}

/** The memory BARs whose decoding the host lets change. */
function changeable(context: Context, f: ReferenceFunction, on: boolean): ReferenceBar[] {
  return f.decodableBars.filter(
    (bar) =>
      bar.enabled !== on && callHost(f.sbdf, () => context.host.mayMapBar?.(f.sbdf, { ...bar }) ?? true),
  );
}

const guestMapping = (context: Context, f: ReferenceFunction, page: number): GuestMapping =>
  callHost(f.sbdf, () => context.host.guestMapping?.(page) ?? 'none');

/** Xen: page after page is asked about and removed, so what went before an occupied one stays removed. */
export function makeHole(context: Context, f: ReferenceFunction): boolean {
  const { policy, host, diagnostics } = context;
  for (const structure of f.structures) {
    if (policy.hole === 'enabled-bars' && !structure.enabled) continue;
    for (const page of pagesOf(structure)) {
      const mapping = guestMapping(context, f, page);
      if (mapping === 'other') {
        diagnostics.report('hole-occupied', f.sbdf, page);
        return false;
      }
      if (mapping === 'identity') callHost(f.sbdf, () => host.removeGuestMapping?.(page));
    }
  }
  if (policy.dropPages === 'hardware-enable' && context.hardware) f.pages.drop();
  return true;
}

type Place = ReferenceBar | ReferenceRegion;

/**
 * Strict: everything is checked before anything changes. Gives the pages to remove from the guest's map, in order, or
 * undefined when these BARs must not be enabled.
 */
export function strictHole(
  context: Context,
  f: ReferenceFunction,
  enabling: readonly Place[],
): number[] | undefined {
  const taken = context.functions.flatMap((other) => [
    ...other.memoryBars.filter((bar) => bar.enabled),
    ...other.ranges,
  ]);
  for (const place of enabling) {
    const clash = [...taken, ...enabling].find(
      (other) => other !== place && overlap(bytesOf(place), bytesOf(other)),
    );
    if (clash) {
      context.diagnostics.report('overlap', f.sbdf, Math.max(place.address, clash.address));
      return undefined;
    }
  }

  const mappings = trappingPages(context, f, enabling, taken).map((page) => ({
    page,
    mapping: guestMapping(context, f, page),
  }));
  const occupied = mappings.find(({ mapping }) => mapping === 'other');
  if (occupied) {
    context.diagnostics.report('hole-occupied', f.sbdf, occupied.page);
    return undefined;
  }
  return mappings.filter(({ mapping }) => mapping === 'identity').map(({ page }) => page);
}

const bytesOf = (place: Place): Range => (place instanceof ReferenceRegion ? place : rangeOf(place));

/** It must trap though nobody shares it. */
const isHeld = (context: Context, place: Place, page: number): boolean =>
  place instanceof ReferenceRegion || !isMappable(context, place) || holdsRegister(place, page);

/**
 * The table's pages, the PBA's, then those that come to be shared, fit no host page or have a register, ascending; each
 * once.
 */
function trappingPages(
  context: Context,
  f: ReferenceFunction,
  enabling: readonly Place[],
  taken: readonly Place[],
): number[] {
  const pages = new Set<number>();
  for (const structure of f.structures) {
    if (structure.bar && enabling.includes(structure.bar)) {
      for (const page of pagesOf(structure)) pages.add(page);
    }
  }
  const all = [...taken, ...enabling];
  const shared = enabling
    .flatMap((place) => pagesOf(bytesOf(place)))
    .filter((page) => {
      const places = all.filter((place) => touches(bytesOf(place), page));
      return places.length > 1 || places.some((place) => isHeld(context, place, page));
    });
  for (const page of shared.sort((a, b) => a - b)) pages.add(page);
  return [...pages];
}
