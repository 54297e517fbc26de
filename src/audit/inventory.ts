import { TraplineError } from '../errors.js';
import type { InventoryFunction, Machine } from '../inventory/machine.js';
import { inventoryFunction } from '../inventory/seen-function.js';
import { RangeIndex } from '../range-index.js';
import type { AddressRange } from '../regions/address-range.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { HeldBar, HeldFunction, SharedMachine } from '../shared-machine.js';
import { type Plan, plan } from './plan.js';
import { common, pagesAround, rangeText } from './ranges.js';
import { resourcesOf } from './resource.js';
import { isReservedAround, strangers } from './strangers.js';

/** The pages that dispatchers map. */
const PAGE_SIZE = 4096;

/** A function of another dispatcher with bytes on the same pages. */
export interface Peer {
  /** Of the other function. */
  readonly sbdf: Sbdf;
  /** Host pages [start, end). */
  readonly pages: readonly AddressRange[];
}

/** A function was not assigned because of what else is on its pages. */
export class SharedPageError extends TraplineError {
  /** Whose bytes are on its pages. */
  readonly peers: readonly Peer[];
  /** How the BARs of the machine can be placed so that none shares a page. */
  readonly plan: Plan;

  constructor(sbdf: Sbdf, peers: readonly Peer[], planned: Plan) {
    const shared = peers.map(
      (peer) => `${peer.pages.map((page) => rangeText(page)).join(', ')} with ${formatSbdf(peer.sbdf)}`,
    );
    super(
      'shared-page',
      `assign: function ${formatSbdf(sbdf)} shares page ${shared.join(', ')} of another dispatcher: assign them to one, or each with trapOnly, or accept what they see of each other with shareUnsafe`,
    );
    this.peers = peers;
    this.plan = planned;
  }
}

/** Bytes of a machine with an owner: a function, or something else. */
interface Holding {
  readonly sbdf: Sbdf | undefined;
  /** Of a function that a dispatcher has. */
  readonly bar?: HeldBar;
}

interface Held {
  readonly user: object;
  readonly fn: HeldFunction;
  holdings: readonly Holding[];
}

/**
 * The functions of a physical machine, whoever uses them. Dispatchers that are given one (`createDispatcher({ inventory })`)
 * refuse a function whose page another one's function is on, and never map a page with bytes of functions that they do
 * not have: they trap it, and answer own bytes only.
 */
export class Inventory implements SharedMachine {
  private readonly machine: Machine;
  private readonly places = new RangeIndex<Holding>();
  private readonly held = new Map<Sbdf, Held>();
  /** Where functions are that no dispatcher has. */
  private readonly idle = new Map<Sbdf, Holding[]>();

  /** `machine`: what is known of it beforehand, as the audit reads it. Default: nothing but what is assigned. */
  constructor(machine: Machine = { functions: [], memory: [], unseen: [] }) {
    this.machine = machine;
    const resources = resourcesOf(machine, PAGE_SIZE);
    for (const resource of resources) this.park(resource.sbdf, resource);
    for (const range of strangers(machine.memory)) {
      const around = resources.some((resource) => isReservedAround(range, resource));
      if (!around && range.end > range.start) this.places.set({ sbdf: undefined }, range);
    }
  }

  assign(user: object, fn: HeldFunction): void {
    const holder = this.held.get(fn.sbdf)?.user;
    if (holder !== undefined && holder !== user) {
      throw new TraplineError(
        'duplicate-function',
        `assign: function ${formatSbdf(fn.sbdf)} is assigned to another dispatcher of this inventory`,
      );
    }
    const peers = fn.shareUnsafe ? [] : this.peersOf(user, fn);
    if (peers.length > 0) throw new SharedPageError(fn.sbdf, peers, plan(this.withHeld(fn), PAGE_SIZE));
    for (const holding of this.idle.get(fn.sbdf) ?? []) this.places.delete(holding);
    this.idle.delete(fn.sbdf);
    this.held.set(fn.sbdf, { user, fn, holdings: [] });
    this.moved(user, fn.sbdf);
  }

  deassign(user: object, sbdf: Sbdf): void {
    const held = this.held.get(sbdf);
    if (held?.user !== user) return;
    for (const holding of held.holdings) this.places.delete(holding);
    this.held.delete(sbdf);
    for (const bar of placed(held.fn)) this.park(sbdf, rangeOf(bar));
  }

  moved(user: object, sbdf: Sbdf): void {
    const held = this.held.get(sbdf);
    if (held?.user !== user) return;
    for (const holding of held.holdings) this.places.delete(holding);
    held.holdings = placed(held.fn).map((bar) => ({ sbdf, bar }));
    for (const holding of held.holdings) this.places.set(holding, rangeOf(holding.bar as HeldBar));
  }

  isShared(user: object, sbdf: Sbdf, bar: HeldBar): boolean {
    if (bar.hostAddress === 0) return false;
    return this.onPagesOf(bar).some(
      (other) =>
        other.sbdf !== sbdf && (other.sbdf === undefined || this.held.get(other.sbdf)?.user !== user),
    );
  }

  isExposed(user: object, sbdf: Sbdf, bar: HeldBar): boolean {
    const accepted = (one: Sbdf) => this.held.get(one)?.fn.shareUnsafe ?? false;
    if (accepted(sbdf)) return false;
    return this.foreign(user, bar).some(
      (other) => !accepted(other.sbdf as Sbdf) && !(bar.trapsEdges && other.bar?.trapsEdges),
    );
  }

  /** Functions that other dispatchers have, on pages that not both sides serve by trapping. */
  private peersOf(user: object, fn: HeldFunction): Peer[] {
    const pages = new Map<Sbdf, Map<number, AddressRange>>();
    for (const bar of placed(fn)) {
      for (const other of this.foreign(user, bar)) {
        if (fn.trapOnly && other.bar?.trapsEdges) continue;
        const ours = pagesAround(rangeOf(bar), PAGE_SIZE);
        const theirs = pagesAround(rangeOf(other.bar as HeldBar), PAGE_SIZE);
        const both = common(ours, theirs);
        const sbdf = other.sbdf as Sbdf;
        pages.set(sbdf, (pages.get(sbdf) ?? new Map()).set(both.start, both));
      }
    }
    return [...pages].map(([sbdf, ranges]) => ({ sbdf, pages: [...ranges.values()] }));
  }

  /** What other dispatchers have on a BAR's pages. */
  private foreign(user: object, bar: HeldBar): Holding[] {
    return this.onPagesOf(bar).filter(
      ({ sbdf }) => sbdf !== undefined && this.held.has(sbdf) && this.held.get(sbdf)?.user !== user,
    );
  }

  private onPagesOf(bar: HeldBar): Holding[] {
    return this.places.touching(pagesAround(rangeOf(bar), PAGE_SIZE));
  }

  private park(sbdf: Sbdf, range: AddressRange): void {
    const holding = { sbdf };
    this.places.set(holding, range);
    const holdings = this.idle.get(sbdf);
    if (holdings) holdings.push(holding);
    else this.idle.set(sbdf, [holding]);
  }

  /** The machine with those functions that only assigning told of. */
  private withHeld(added: HeldFunction): Machine {
    const known = new Set(this.machine.functions.map(({ sbdf }) => sbdf));
    const more = [...this.held.values()].map(({ fn }) => fn).concat(added);
    const functions = [
      ...this.machine.functions,
      ...more.filter(({ sbdf }) => !known.has(sbdf)).map(described),
    ];
    return { ...this.machine, functions: functions.sort((a, b) => a.sbdf - b.sbdf) };
  }
}

/** At host address 0 a BAR was never given an address. */
const placed = ({ bars }: HeldFunction): HeldBar[] => bars.filter(({ hostAddress }) => hostAddress !== 0);

const rangeOf = ({ hostAddress, size }: HeldBar): AddressRange => ({
  start: hostAddress,
  end: hostAddress + size,
});

const described = ({ sbdf, bars }: HeldFunction): InventoryFunction =>
  inventoryFunction({
    sbdf,
    bars: bars.map(({ index, hostAddress, size }) => ({
      index,
      type: index === 6 ? 'rom' : hostAddress + size > 2 ** 32 ? 'mem64' : 'mem32',
      address: hostAddress,
      size,
      prefetchable: false,
      disabled: false,
      virtual: false,
    })),
  });
