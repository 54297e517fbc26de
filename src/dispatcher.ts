import type { Width } from './access.js';
import { Accesses } from './accesses.js';
import { Completion } from './completion.js';
import { Domain } from './domain.js';
import { Core } from './engine/core.js';
import { TraplineError } from './errors.js';
import type {
  AssignedFunction,
  FunctionDescription,
  Location,
  SoftwareDescription,
  SoftwareFunction,
  TrappedFunction,
} from './function.js';
import type { OwnPage } from './memory/own-pages.js';
import type { DispatcherOptions } from './options.js';
import { PciFunction, refuseBusy } from './pci/function.js';
import { completed } from './pci/msix-capability.js';
import { descriptionFaults, msixFaults, pbaOverTable } from './pci/validate.js';
import type { Policy } from './policy.js';
import { formatSbdf, parseSbdf, type Sbdf } from './sbdf.js';
import { restore, type Snapshot, save } from './snapshot.js';
import { snapshotFaults } from './snapshot-faults.js';
import type { RegionDoor, RegionDoorOptions } from './vfio/door.js';
import { RegionDoors } from './vfio/doors.js';
import type { Errno } from './vfio/errno.js';

export type { Fallback } from './accesses.js';
export type { DispatcherOptions } from './options.js';

/** Answers one domain's trapped accesses. */
export interface Trap {
  /** High lane of the last 8-byte read, unsigned. */
  readonly high: number;
  /** See `Dispatcher.assign`. */
  assign(description: FunctionDescription): TrappedFunction;
  /** See `Dispatcher.deassign`. */
  deassign(sbdf: string | Sbdf): void;
  /** The value, for width 8 its low lane, unsigned; or `UNCLAIMED`. */
  read(address: number, width: Width): number;
  /** `data` is the low 32-bit lane. False: no function claims the address. */
  write(address: number, width: Width, data: number, dataHigh?: number): boolean;
}

/** What a build of the dispatcher is made of. */
export type Build = readonly [typeof Core, typeof Domain, typeof Completion];

const DEFAULT_MEMORY = 256 * 1024 * 1024;

/** Synchronous: the wasm is inlined, or handed over compiled. Throws `bad-module`, `bad-argument`. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new Dispatcher(options);
}

/**
 * Single-threaded. Guest accesses never throw: `read` and `write` answer any width and address. Everything else
 * throws `TraplineError` for misuse.
 */
export class Dispatcher extends Accesses implements Trap {
  protected readonly domain: Domain;
  private sequence = 0;
  private readonly doors: RegionDoors;

  /** Throws `bad-module`, `bad-argument`. */
  constructor(
    options: DispatcherOptions,
    [TheCore, TheDomain, TheCompletion]: Build = [Core, Domain, Completion],
  ) {
    super(
      (imports) => new TheCore(imports, options.memoryLimit ?? DEFAULT_MEMORY, options.module),
      (core) => new TheCompletion(new TheDomain(options, core)),
    );
    this.domain = this.completion.domain as Domain;
    this.doors = new RegionDoors(this.domain);
  }

  /** Those that are assigned, in the order in which they were. */
  get functions(): readonly AssignedFunction[] {
    return [...this.domain.functions.values()];
  }

  /** Undefined: it is not assigned. Throws `bad-argument`. */
  find(sbdf: string | Sbdf): AssignedFunction | undefined {
    return this.domain.functions.get(parseSbdf(sbdf));
  }

  /** Pages that trap now. */
  get trappedPages(): number {
    return this.domain.pageMap.size;
  }

  /** As given, or `policies.strict`. */
  get policy(): Policy {
    return this.domain.policy;
  }

  /** Rises whenever what a recording says of the machine may have changed: functions, decoding, regions, Message Control, resets. */
  get changes(): number {
    return this.domain.changes;
  }

  /**
   * Makes a function's accesses trap. Throws `bad-argument`, `duplicate-function`, `shared-page`, `out-of-memory`, and as the policy
   * has it `bad-msix-capability` and `overlap`, with all faults found; then nothing has changed. When the guest has something
   * else mapped where pages must trap, the function comes up with decoding off under `strict`. A software function is
   * the embedder's own, so no policy accepts faults in it.
   */
  assign(description: SoftwareDescription): SoftwareFunction;
  assign(description: FunctionDescription): AssignedFunction;
  assign(given: FunctionDescription): AssignedFunction {
    const { domain } = this;
    const sbdf = parseSbdf(given.sbdf);
    if (domain.functions.has(sbdf)) {
      throw new TraplineError(
        'duplicate-function',
        `assign: function ${formatSbdf(sbdf)} is assigned already`,
      );
    }
    const accepted = domain.policy.malformed === 'accepted' && !given.software;
    const faults = descriptionFaults(given, sbdf, accepted, domain.policy);
    const description = faults.length > 0 ? given : completed(given);
    const malformed = accepted ? [] : msixFaults(description, sbdf);
    if (malformed.length > 0) domain.diagnostics.report('bad-msix-capability', sbdf);
    if (faults.length > 0) throw new TraplineError('bad-argument', ...faults, ...malformed);
    const fn = new PciFunction(description, sbdf, this.sequence++, domain, this.core, domain.pageList);
    const enabled = fn.bars.filter((bar) => bar.isMemory && bar.initiallyEnabled);
    const overlaps = domain.policy.sharedPage === 'owner' ? domain.overlaps(enabled) : [];
    if (malformed.length + overlaps.length > 0) {
      domain.release(fn);
      const code = malformed.length > 0 ? 'bad-msix-capability' : 'overlap';
      throw new TraplineError(code, ...malformed, ...overlaps.map((overlap) => `assign: ${overlap}`));
    }
    if (domain.policy.pbaOverTable === 'warned' && fn.msix && pbaOverTable(fn.msix)) {
      domain.diagnostics.report('pba-over-table', sbdf);
    }
    domain.functions.set(sbdf, fn);
    domain.changes++;
    try {
      domain.hold(fn);
      domain.switchOn(fn, enabled);
    } catch (error) {
      domain.functions.delete(sbdf);
      domain.release(fn);
      throw error;
    }
    return fn;
  }

  /**
   * Ends the trapping of a function and unmaps its host pages. Throws `unknown-function`; `busy` in a host callback that
   * the switching of its decoding calls.
   */
  deassign(sbdf: string | Sbdf): void {
    const { domain } = this;
    const fn = this.assigned('deassign', sbdf);
    refuseBusy('deassign', [fn]);
    this.doors.revoke(fn);
    domain.functions.delete(fn.sbdf);
    domain.changes++;
    domain.attempt(fn, () => domain.disable(fn.enabledBars));
    domain.attempt(fn, () => domain.dropPages(fn));
    domain.release(fn);
  }

  /**
   * Opens the region door of a function: resets it, and nobody opens it again until it is closed. EBUSY: a door is
   * open already, or the host refuses the regions; ENOMEM: a page cannot be mapped (`eager`). Throws
   * `unknown-function`, `bad-argument`.
   */
  openRegions(sbdf: string | Sbdf, options: RegionDoorOptions = {}): RegionDoor | Errno {
    return this.doors.open(this.assigned('openRegions', sbdf), options);
  }

  /** The state of all functions, as it is between two accesses. Mapped host pages and open region doors are not part of it. */
  save(): Snapshot {
    return save(this.domain);
  }

  /**
   * Puts the functions into a saved state: the same ones, assigned in the same order as when it was saved. What is
   * pending and not masked is sent, once. The host hears of it as if the guest had done it: mappings, COMMAND, Message
   * Control, vectors to arm. What it refuses leaves that function's decoding off, and is reported. Throws
   * `bad-snapshot` with all faults, and `busy` as `deassign`; then nothing has changed.
   */
  restore(snapshot: unknown): void {
    const faults = snapshotFaults(snapshot, this.domain);
    if (faults.length > 0) throw new TraplineError('bad-snapshot', ...faults);
    refuseBusy('restore', [...this.domain.functions.values()]);
    restore(this.domain, snapshot as Snapshot);
  }

  private assigned(method: string, sbdf: string | Sbdf): PciFunction {
    const fn = this.domain.functions.get(parseSbdf(sbdf));
    if (fn) return fn;
    throw new TraplineError(
      'unknown-function',
      `${method}: function ${JSON.stringify(sbdf)} is not assigned`,
    );
  }

  /** A page of zeros for `Host.mapPage`, for registers that are nothing but memory. Throws `out-of-memory`. */
  createPage(): OwnPage {
    return this.domain.ownPages.create();
  }

  /** Whose byte an address is, among the enabled BARs; undefined where it is in none. */
  locate(address: number): Location | undefined {
    return this.domain.locate(address);
  }
}
