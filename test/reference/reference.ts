import { ADDRESS_LIMIT, UNCLAIMED, type Width } from '../../src/access.js';
import { Diagnostics } from '../../src/diagnostics.js';
import type { DispatcherOptions, Trap } from '../../src/dispatcher.js';
import { TraplineError } from '../../src/errors.js';
import type { FunctionDescription, TrappedFunction } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { formatSbdf, parseSbdf, type Sbdf } from '../../src/sbdf.js';
import { answer } from './access-rules.js';
import { type Context, callHost, type Guard, HostFailure } from './context.js';
import { makeHole, offsetsFit, strictHole } from './decode.js';
import { descriptionFaults, msixFaults, registerFaults } from './description.js';
import { overlap } from './range.js';
import { type ReferenceBar, ReferenceFunction, rangeOf } from './reference-function.js';

/** The semantics of all three policies, written to be read. The WebAssembly dispatcher must equal it. */
export function createReference(options: DispatcherOptions): Trap {
  return new Reference(options);
}

class Reference implements Trap {
  high = 0;
  private readonly context: Context;

  constructor(options: DispatcherOptions) {
    const diagnostics = new Diagnostics(
      options.onDiagnostic,
      options.diagnosticLimit ?? { burst: 10, interval: 1000 },
    );
    const guard: Guard = (address, run, otherwise) => {
      try {
        return run();
      } catch (error) {
        if (!(error instanceof HostFailure)) throw error;
        diagnostics.report('host-error', error.sbdf, address);
        options.onError?.(error.cause);
        return otherwise;
      }
    };
    this.context = {
      host: options.host,
      policy: options.policy ?? policies.strict,
      hardware: options.domain === 'hardware',
      trapAll: options.trapAll ?? false,
      diagnostics,
      functions: [],
      guard,
    };
  }

  assign(description: FunctionDescription): TrappedFunction {
    const { policy, diagnostics, functions } = this.context;
    const sbdf = parseSbdf(description.sbdf);
    if (functions.some((other) => other.sbdf === sbdf)) {
      throw new TraplineError('duplicate-function', `${formatSbdf(sbdf)} is assigned already`);
    }
    const lenient = policy.malformed === 'accepted';
    const faults = descriptionFaults(sbdf, description, lenient);
    // Xen has none.
    if (policy.sharedPage === 'owner') faults.push(...registerFaults(sbdf, description));
    else if (description.registers?.length) faults.push(`${formatSbdf(sbdf)}: registers`);
    const malformed = lenient ? [] : msixFaults(sbdf, description);
    if (malformed.length > 0) diagnostics.report('bad-msix-capability', sbdf);
    if (faults.length > 0) throw new TraplineError('bad-argument', ...faults, ...malformed);

    const f = new ReferenceFunction(this.context, sbdf, description);
    const overlaps = policy.sharedPage === 'owner' ? this.overlaps(f) : [];
    if (malformed.length > 0) throw new TraplineError('bad-msix-capability', ...malformed, ...overlaps);
    if (overlaps.length > 0) throw new TraplineError('overlap', ...overlaps);
    if (policy.pbaOverTable === 'warned' && f.table && f.pba && f.table.bar === f.pba.bar) {
      if (overlap(f.table, f.pba)) diagnostics.report('pba-over-table', sbdf);
    }
    if (policy.enable === 'all-or-nothing') this.enableAtAssign(f);
    else {
      const enabling = f.memoryBars.filter((bar) => bar.enabled);
      if (!offsetsFit(this.context, f, enabling)) {
        for (const bar of enabling) bar.enabled = false;
        f.decoding = false;
      }
      functions.unshift(f);
      this.context.guard(undefined, () => makeHole(this.context, f), false);
    }
    return f;
  }

  /** Strict: overlap is the embedder's mistake here. */
  private overlaps(f: ReferenceFunction): string[] {
    const { functions } = this.context;
    const enabling = f.memoryBars.filter((bar) => bar.enabled);
    return enabling.flatMap((bar) => {
      const others = [...functions.flatMap((other) => other.memoryBars), ...earlier(enabling, bar)];
      const clash =
        others.some((taken) => taken.enabled && overlap(rangeOf(taken), rangeOf(bar))) ||
        functions.some((other) => other.ranges.some((region) => overlap(region, rangeOf(bar))));
      return clash ? [`${formatSbdf(f.sbdf)}: BAR ${bar.index} overlaps`] : [];
    });
  }

  /** Strict: where no hole can be made, decoding starts switched off. */
  private enableAtAssign(f: ReferenceFunction): void {
    const { functions, host } = this.context;
    const enabling = f.memoryBars.filter((bar) => bar.enabled);
    const made = this.context.guard(
      undefined,
      () => {
        const hole = strictHole(this.context, f, enabling);
        for (const page of hole ?? []) callHost(f.sbdf, () => host.removeGuestMapping?.(page));
        return hole !== undefined;
      },
      false,
    );
    if (!made) {
      for (const bar of enabling) bar.enabled = false;
      f.decoding = false;
    }
    functions.unshift(f);
  }

  deassign(name: string | Sbdf): void {
    const { functions } = this.context;
    const sbdf = parseSbdf(name);
    const f = functions.find((candidate) => candidate.sbdf === sbdf);
    if (!f) throw new TraplineError('unknown-function', `${formatSbdf(sbdf)} is not assigned`);
    functions.splice(functions.indexOf(f), 1);
    this.context.guard(undefined, () => f.pages.drop(), undefined);
  }

  read(address: number, width: Width): number {
    const value = valid(address, width)
      ? this.context.guard(
          address,
          () => answer(this.context, { address, width, value: undefined }),
          0xffffffffffffffffn,
        )
      : undefined;
    if (value === undefined) {
      this.high = 0xffffffff;
      return UNCLAIMED;
    }
    if (width === 8) this.high = Number((value >> 32n) & 0xffffffffn);
    return Number(BigInt.asUintN(width === 8 ? 32 : 8 * width, value));
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    if (!valid(address, width)) return false;
    const value = BigInt.asUintN(8 * width, BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n));
    // What a callback throws ends the access; it was claimed.
    return this.context.guard(
      address,
      () => answer(this.context, { address, width, value }) !== undefined,
      true,
    );
  }
}

const earlier = (bars: readonly ReferenceBar[], bar: ReferenceBar): readonly ReferenceBar[] =>
  bars.slice(0, bars.indexOf(bar));

const valid = (address: number, width: number): boolean =>
  [1, 2, 4, 8].includes(width) && Number.isInteger(address) && address >= 0 && address < ADDRESS_LIMIT;
