import type { Width } from '../access.js';
import type { DiagnosticCode } from '../diagnostics.js';
import { createDispatcher, type Dispatcher } from '../dispatcher.js';
import { TraplineError } from '../errors.js';
import type { FunctionDescription } from '../function.js';
import type { Bar } from '../host.js';
import type { InventoryFunction } from '../inventory/machine.js';
import type { DeviceModel } from '../msix/device-model.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../pci/msix-capability.js';
import type { Policy } from '../policy.js';
import type { Snapshot } from '../snapshot.js';

/** How the functions are served, where it is not as for passed-through ones. */
export interface Serving {
  /** Every page of the enabled BARs traps. Policy strict. */
  readonly trapAll?: boolean;
  /** The functions are device models: their PBAs are emulated. */
  readonly software?: boolean;
}

/** One access to the device. */
export interface HostAccess {
  /** Host-physical. */
  readonly address: number;
  readonly width: Width;
}

/** What an access made the host do. */
export interface Recording {
  readonly host: HostAccess[];
  /** Indices of the vectors that the host was told to arm. */
  readonly armed: number[];
  /** Of those whose mask bit changed, armed or not. */
  readonly masked: { readonly index: number; readonly armed: boolean }[];
  readonly diagnostics: DiagnosticCode[];
}

/** The inventory's functions under one policy, before a host that writes down what it is asked and reads zeros. */
export class PolicyMachine {
  readonly dispatcher: Dispatcher;
  /** Why a function is not there as the inventory has it. */
  readonly refusals = new Map<InventoryFunction, TraplineError>();
  /** The functions are device models. */
  readonly software: boolean;
  private readonly listed: Snapshot;
  private used = false;
  private recording: Recording = blank();

  /** Throws `TraplineError` where a function cannot be assigned. */
  constructor(
    inventory: readonly InventoryFunction[],
    policy: Policy,
    domain: 'guest' | 'hardware',
    { trapAll = false, software = false }: Serving = {},
  ) {
    this.software = software;
    this.dispatcher = createDispatcher({
      policy,
      domain,
      trapAll,
      host: {
        mapPage: (page) => ({
          read: (offset, width, high) => {
            this.recording.host.push({ address: page + offset, width });
            high[0] = 0;
            return 0;
          },
          write: (offset, width) => this.recording.host.push({ address: page + offset, width }),
        }),
        armVector: (_, { index }) => this.recording.armed.push(index),
        maskVector: (_, { index, armed }) => this.recording.masked.push({ index, armed }),
      },
      diagnosticLimit: 'none',
      onDiagnostic: ({ code }) => this.recording.diagnostics.push(code),
    });
    for (const fn of inventory) this.assign(fn);
    this.listed = this.dispatcher.save();
    this.copyRoms();
  }

  /** As it was made: nothing is left of earlier accesses. */
  reset(): void {
    if (this.used) {
      this.dispatcher.restore(this.listed);
      this.copyRoms();
    }
    this.used = true;
  }

  /** What the host is asked during the work. */
  record(work: () => void): Recording {
    const recording = blank();
    this.recording = recording;
    work();
    return recording;
  }

  /** The first read of a ROM copies it. */
  private copyRoms(): void {
    for (const rom of this.dispatcher.functions.flatMap(({ bars }) => bars.filter(isEnabledRom))) {
      this.dispatcher.read(rom.address, 1);
    }
  }

  /** A model that is told of each change of a mask, as a host is. */
  private get model(): DeviceModel {
    return {
      send: () => {},
      onVectorUnmasked: (index) => this.recording.armed.push(index),
      onVectorMasked: (index) => this.recording.masked.push({ index, armed: true }),
    };
  }

  /** As listed; without what the policy refuses. */
  private assign(fn: InventoryFunction): void {
    const { msix } = fn;
    const listed = { ...descriptionOf(fn), ...(this.software && { software: this.model }) };
    const attempts: FunctionDescription[] = [
      msix ? { ...listed, msix } : listed,
      listed,
      { ...listed, bars: listed.bars.map((bar) => ({ ...bar, enabled: false })) },
    ];
    for (const [index, attempt] of attempts.entries()) {
      try {
        const assigned = this.dispatcher.assign(attempt);
        if (attempt.msix && msix?.enabled) {
          assigned.writeMessageControl(MSIX_ENABLE | (msix.masked ? FUNCTION_MASK : 0));
        }
        return;
      } catch (error) {
        if (!(error instanceof TraplineError) || index === attempts.length - 1) throw error;
        this.refusals.set(fn, error);
      }
    }
  }
}

function descriptionOf({ sbdf, bars }: InventoryFunction): FunctionDescription {
  return {
    sbdf,
    // Its registers are not asked for, and those of Enhanced Allocation need not fit an address.
    virtual: true,
    bars: bars.flatMap(({ index, type, address, size, disabled }) =>
      type === 'io' || address === undefined || !size
        ? []
        : [{ index, type, address, size, enabled: !disabled }],
    ),
  };
}

const isEnabledRom = ({ type, enabled }: Bar): boolean => type === 'rom' && enabled;

const blank = (): Recording => ({ host: [], armed: [], masked: [], diagnostics: [] });
