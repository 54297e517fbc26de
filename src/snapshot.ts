import type { Domain } from './domain.js';
import type { BarOffset } from './function.js';
import { bytesOfHex, hexOfBytes } from './hexadecimal.js';
import type { Bar } from './host.js';
import type { MsixState } from './msix/msix.js';
import type { SoftwareMsixState } from './msix/software.js';
import { writeCommand } from './pci/command.js';
import type { PciFunction } from './pci/function.js';
import { writeRomEnable } from './pci/rom-decoder.js';
import type { Policy } from './policy.js';
import { formatSbdf } from './sbdf.js';

/** The state of a dispatcher's functions: plain data, of which JSON keeps all. */
export interface Snapshot {
  /** Of this format. */
  readonly version: 2;
  /** The dispatcher's: it is restored under the same one only. */
  readonly policy: Policy['name'];
  /** The dispatcher's, likewise. */
  readonly domain: 'hardware' | 'guest';
  /** In the order in which they were assigned. */
  readonly functions: readonly FunctionSnapshot[];
}

/** The state of a function. */
export interface FunctionSnapshot {
  /** `0000:bb:dd.f` */
  readonly sbdf: string;
  /** What configuration space stores, 256 or 4096 bytes in hexadecimal. */
  readonly config: string;
  /** The COMMAND register without its memory bit, which is `decoding`. */
  readonly command: number;
  /** The COMMAND register's memory decoding as last set. */
  readonly decoding: boolean;
  /** By index, without the empty ones. */
  readonly bars: readonly BarSnapshot[];
  /** Null: the function has no MSI-X. */
  readonly msix: MsixSnapshot | null;
  /** In the order in which they were placed first. */
  readonly ranges: readonly RangeSnapshot[];
}

/** A region that is no BAR. */
export interface RangeSnapshot {
  /** Guest-physical, a multiple of 4096. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** What its `save` gives; null: it has none. */
  readonly state: unknown;
}

/** The state of a BAR. */
export interface BarSnapshot {
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** As described at `assign`: another one is refused. */
  readonly type: Bar['type'];
  /** Bytes, likewise. */
  readonly size: number;
  /** Low lane of the guest's address: a guest that sizes a BAR puts it past every address. */
  readonly low: number;
  /** High lane. */
  readonly high: number;
  /** The hardware domain moved the physical BAR, which is at the guest's address since then. */
  readonly hostMoved?: boolean;
  /** The ROM's own enable bit. */
  readonly romEnable?: boolean;
  /** Accesses reach it. */
  readonly enabled: boolean;
}

/** A software function's has `pending` and `uses`. */
export interface MsixSnapshot extends MsixState, Partial<Omit<SoftwareMsixState, keyof MsixState>> {
  /** As described at `assign`: another place is refused. */
  readonly table: BarOffset;
  /** Likewise. */
  readonly pba: BarOffset;
}

export function save(domain: Domain): Snapshot {
  const { policy, hardware, functions } = domain;
  return {
    version: 2,
    policy: policy.name,
    domain: hardware ? 'hardware' : 'guest',
    functions: [...functions.values()].map(saveFunction),
  };
}

function saveFunction(fn: PciFunction): FunctionSnapshot {
  const { sbdf, config, command, decoding, bars, msixState, ranges } = fn;
  return {
    sbdf: formatSbdf(sbdf),
    config: hexOfBytes(config.bytes),
    command,
    decoding,
    bars: bars.map((bar) => ({
      index: bar.index,
      type: bar.type,
      size: bar.size,
      low: bar.lowAddress >>> 0,
      high: bar.highRegister,
      ...(bar.hostMoved && { hostMoved: true }),
      ...(bar.type === 'rom' && { romEnable: bar.followsDecode }),
      enabled: bar.isMemory && bar.enabled,
    })),
    msix: msixState
      ? { table: msixState.layout.table, pba: msixState.layout.pba, ...msixState.save() }
      : null,
    ranges: ranges.map(({ address, region }) => ({
      address,
      size: region.size,
      state: region.save?.() ?? null,
    })),
  };
}

/**
 * Puts the functions into the state of a snapshot that `snapshotFaults` passed. What the host refuses or throws is
 * reported; a function whose BARs cannot be enabled has decoding off then.
 */
export function restore(domain: Domain, { functions }: Snapshot): void {
  const pairs = [...domain.functions.values()].map((fn, index) => ({ fn, state: functions[index] }));
  // A callback may deassign functions.
  const each = (work: (fn: PciFunction, state: FunctionSnapshot) => void) => {
    for (const { fn, state } of pairs) if (domain.functions.get(fn.sbdf) === fn) work(fn, state);
  };
  // All are switched off before one is switched on: BARs may have changed places.
  each((fn) => {
    domain.switchOff(fn);
    for (const range of fn.ranges) domain.withdraw(range);
  });
  each(place);
  each((fn) => domain.moved(fn));
  each((fn) => fn.moveHardware(domain));
  each((fn, { ranges }) => {
    for (const [index, range] of fn.ranges.entries()) {
      const { address, state } = ranges[index];
      domain.attempt(fn, () => range.region.restore?.(state));
      domain.restoreRange(range, address);
    }
  });
  each((fn, state) => switchOn(domain, fn, state));
  each((fn, { msix }) => restoreMsix(domain, fn, msix));
}

function restoreMsix(domain: Domain, fn: PciFunction, state: MsixSnapshot | null): void {
  const { msixState, host } = fn;
  if (!msixState || !state) return;
  // A software function's has what its class saves: that was checked.
  const msix = state as SoftwareMsixState;
  domain.amend(fn, () => msixState.restore(msix, host, domain.policy, domain.hardware));
  fn.restarts++;
  domain.changes++;
}

function place(fn: PciFunction, { config, command, bars }: FunctionSnapshot): void {
  fn.config.restore(bytesOfHex(config));
  fn.command = command;
  for (const [index, bar] of fn.bars.entries()) {
    const { low, high, hostMoved, romEnable } = bars[index];
    bar.reset();
    bar.place(low, high);
    if (hostMoved) bar.hostAddress = bar.address;
    if (romEnable !== undefined) bar.followsDecode = romEnable;
  }
}

function switchOn(domain: Domain, fn: PciFunction, { decoding, bars }: FunctionSnapshot): void {
  const wanted = fn.bars.filter((_, index) => bars[index].enabled);
  const rom = fn.bars.find((bar) => bar.type === 'rom' && !bar.isCopied);
  if (wanted.length > 0) domain.attempt(fn, () => domain.switchOn(fn, wanted));
  fn.decoding = decoding && wanted.every((bar) => bar.enabled);
  domain.attempt(fn, () => writeCommand(domain, fn, fn.decoding));
  if (rom) domain.attempt(fn, () => writeRomEnable(fn, rom, rom.followsDecode));
}
