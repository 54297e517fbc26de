import { Accesses, type Fallback } from '../accesses.js';
import { type Diagnostic, type DiagnosticLimit, Diagnostics } from '../diagnostics.js';
import { DEFAULT_LIMIT, quiet } from '../domain.js';
import type { ModuleDoors } from '../engine/core.js';
import { TraplineError } from '../errors.js';
import type { PageHost } from '../host.js';
import { policies } from '../policy.js';
import { parseSbdf, type Sbdf } from '../sbdf.js';
import { AttachedCompletion } from './attached-completion.js';
import { AttachedCore } from './attached-core.js';
import { AttachedFunction } from './attached-function.js';
import { AttachedPages } from './attached-pages.js';
import { Caller } from './caller.js';
import type { SharedExports } from './core.js';
import type { WorkerHandle } from './handle.js';
import { releaseDead } from './release.js';

/** What a worker has for itself. */
export interface AttachOptions {
  /** This worker's mappings of host pages. */
  readonly host: PageHost;
  /** Gets what happens in this worker, as far as `diagnosticLimit` lets it through. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Default: 10 of a code and function in 1000 ms. */
  readonly diagnosticLimit?: DiagnosticLimit;
  /** Gets what a host callback threw. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A dispatcher's functions, seen from another worker. Accesses are answered here, and host pages mapped here. ROM copies, regions,
 * registers of the guest, emulated pending bits and accesses to bytes with different owners are the dispatcher's worker's: this
 * one waits for it; from a handler, which cannot wait, such an access reads ones or is dropped (`map-failed-read`, `map-failed-write`).
 */
export class AttachedDispatcher extends Accesses {
  declare protected readonly core: AttachedCore;
  private readonly leaveHeld: SharedExports['leave_held'];
  private readonly caller: Caller;
  private readonly pages: AttachedPages;
  private readonly handle: WorkerHandle;

  constructor(handle: WorkerHandle, options: AttachOptions) {
    let pages: AttachedPages;
    let caller: Caller;
    super(
      (imports) => {
        const core: AttachedCore = new AttachedCore(
          imports,
          {
            pass_entry: () => {
              core.pass();
              pages.dropAllStale();
            },
            drop_stale: (record) => pages.dropStale(record),
            // The completion releases the lock.
            forwarded_read4: (_offset, outcome, low) => this.completion.read(outcome, low, 0, 4),
            forwarded_write4: (_offset, outcome, low, data) =>
              this.completion.write(outcome, low, 0, 4, data, 0),
          },
          handle,
        );
        return core;
      },
      (made) => {
        const core = made as AttachedCore;
        const onError = quiet(options.onError ?? (() => {}), () => {});
        const sink = options.onDiagnostic && quiet(options.onDiagnostic, onError);
        const diagnostics = new Diagnostics(sink, options.diagnosticLimit ?? DEFAULT_LIMIT);
        const failed = (sbdf: Sbdf, error: unknown) => {
          core.noteFailure(error);
          diagnostics.report('host-error', sbdf);
          onError(error);
        };
        pages = new AttachedPages(core, options.host, failed);
        caller = new Caller(core);
        core.allocator = (size) =>
          caller.ask({ operation: 'allocate', record: 0, sequence: 0, values: [size] });
        const policy = policies[handle.policy];
        core.exports.configure(handle.hardware, policy.crossing === 'split');
        const accessEnded = () => caller.flush();
        return new AttachedCompletion(
          {
            core,
            policy,
            hardware: handle.hardware,
            diagnostics,
            pageList: pages,
            functions: new Map(),
            generation: 0,
            failed,
            locate: () => undefined,
            accessEnded,
          },
          caller,
        );
      },
    );
    this.pages = pages!;
    this.caller = caller!;
    this.handle = handle;
    this.leaveHeld = this.core.exports.leave_held;
  }

  /** Accesses that read ones, or were dropped, as those whose lock they waited for waited for this worker's. */
  get circles(): number {
    return this.core.circles;
  }

  /** Undefined: it is not assigned. Throws `bad-argument`; `busy` inside an access. */
  find(sbdf: string | Sbdf): AttachedFunction | undefined {
    const parsed = parseSbdf(sbdf);
    const record = this.caller.ask({ operation: 'find', record: 0, sequence: 0, values: [parsed] });
    return record === 0 ? undefined : new AttachedFunction(this.caller, parsed, record, this.caller.high);
  }

  /**
   * Unmaps the pages of functions that have dropped theirs, as the next access would: for a worker that will have none for a
   * while. Memory that the dispatcher has retired is used again without waiting for it.
   */
  trim(): void {
    if (this.core.underway > 0) return;
    this.core.pass();
    this.pages.dropAllStale();
    this.core.leave();
  }

  /** Unmaps all pages and gives up the place: this must not be used any more. Throws `busy` inside an access. */
  detach(): void {
    if (this.core.underway > 0) throw new TraplineError('busy', 'detach: an access is under way');
    this.pages.dropAll();
    releaseDead(this.handle);
  }

  protected override leave(): void {
    this.leaveHeld();
  }

  override attach(fallback?: Fallback): ModuleDoors {
    const { attach, acquire, release, leave_held, ...doors } = super.attach(fallback) as SharedExports &
      ModuleDoors;
    return doors;
  }
}
