import type { GuestRegister, PageHandler } from 'trapline';

/** Offsets of controller registers (NVMe 1.4, 3.1). */
const INTMS = 0x0c;
const INTMC = 0x10;
const CC = 0x14;
const CSTS = 0x1c;
const AQA = 0x24;
const ASQ = 0x28;
const ACQ = 0x30;
/** Where the doorbells begin. */
export const DOORBELLS = 0x1000;

/** The most entries of an I/O queue, and of an admin queue. */
export const MAX_ENTRIES = 1024;
export const MAX_ADMIN_ENTRIES = 4096;
/** CAP.TO: the controller is ready within this many units of 500 ms. */
const TIMEOUT = 10;
/** CAP.CQR: queues are contiguous. CAP.CSS: the NVM command set. Doorbell stride and page sizes are 0: 4 bytes, 4 KiB. */
const CONTIGUOUS = 1 << 16;
const NVM_COMMAND_SET = 2 ** 37;
/** NVMe 1.4. */
export const VERSION = 0x00010400;

/** CAP and VS never change: Trapline answers them, and traps their page for it. */
export const constants: readonly GuestRegister[] = [
  {
    space: 'bar0',
    offset: 0,
    width: 8,
    value: NVM_COMMAND_SET + (TIMEOUT * 2 ** 24 + CONTIGUOUS + (MAX_ENTRIES - 1)),
  },
  { space: 'bar0', offset: 8, width: 4, value: VERSION },
];

/** Fields of CC. */
export const ENABLE = 1;
/** CSS, MPS and AMS: what is not 0 is not supported. */
const UNSUPPORTED = 0x3ff0;
const SHUTDOWN = 3 << 14;
export const CC_BITS = 0x00fffff1;
/** Entry sizes of I/O queues, 2^6 and 2^4. */
const ENTRY_SIZES = 0x0046 << 16;

/** Fields of CSTS. */
export const READY = 1;
export const FATAL = 2;
const SHUTDOWN_COMPLETE = 2 << 2;
export const CSTS_BITS = READY | FATAL | SHUTDOWN_COMPLETE;
/** Sizes of both admin queues, 0's based. */
export const AQA_BITS = 0x0fff0fff;

export interface RegistersState {
  readonly cc: number;
  readonly csts: number;
  readonly aqa: number;
  /** What INTMS and INTMC read. */
  readonly interruptMask: number;
  /** Low and high halves of ASQ and ACQ. */
  readonly bases: readonly number[];
}

/** What the registers set going. */
export interface RegisterEvents {
  /** CC.EN is set. False: the queues that AQA, ASQ and ACQ describe are none. */
  enable(): boolean;
  /** CC.EN is cleared: a controller reset (NVMe 1.4, 7.3.2). */
  disable(): void;
  shutdown(): void;
}

/** The registers in the first page. Widths below 4 are no access to a register (NVMe 1.4, 3.1): they read 0, write nothing. */
export class Registers implements PageHandler {
  private readonly events: RegisterEvents;
  private cc = 0;
  private csts = 0;
  private aqa = 0;
  private interruptMask = 0;
  /** Low and high halves of ASQ and ACQ. */
  private readonly bases = new Uint32Array(4);

  constructor(events: RegisterEvents) {
    this.events = events;
  }

  /** Commands are executed. */
  get running(): boolean {
    return (this.csts & (READY | FATAL)) === READY;
  }

  get entrySizesFit(): boolean {
    return (this.cc & (0xff << 16)) === ENTRY_SIZES;
  }

  /** Entries of the admin queues. */
  get adminSizes(): { readonly submissions: number; readonly completions: number } {
    return { submissions: (this.aqa & 0xfff) + 1, completions: ((this.aqa >> 16) & 0xfff) + 1 };
  }

  get adminSubmissions(): number {
    return this.bases[1] * 2 ** 32 + this.bases[0];
  }

  get adminCompletions(): number {
    return this.bases[3] * 2 ** 32 + this.bases[2];
  }

  save(): RegistersState {
    const { cc, csts, aqa, interruptMask, bases } = this;
    return { cc, csts, aqa, interruptMask: interruptMask >>> 0, bases: [...bases] };
  }

  /** Sets nothing going. */
  restore({ cc, csts, aqa, interruptMask, bases }: RegistersState): void {
    this.cc = cc;
    this.csts = csts;
    this.aqa = aqa;
    this.interruptMask = interruptMask;
    this.bases.set(bases);
  }

  /** CSTS.CFS: only a reset helps. */
  fail(): void {
    this.csts |= FATAL;
  }

  /** As after power on: a controller reset keeps AQA, ASQ and ACQ, a function-level reset does not. */
  reset(): void {
    this.cc = 0;
    this.csts = 0;
    this.aqa = 0;
    this.interruptMask = 0;
    this.bases.fill(0);
  }

  read(offset: number, width: number, high: Uint32Array): number {
    if (width < 4) return 0;
    if (width === 8) high[0] = this.readDword(offset + 4);
    return this.readDword(offset);
  }

  write(offset: number, width: number, low: number, high: number): void {
    if (width < 4) return;
    this.writeDword(offset, low);
    if (width === 8) this.writeDword(offset + 4, high);
  }

  private readDword(offset: number): number {
    switch (offset) {
      case INTMS:
      case INTMC:
        return this.interruptMask >>> 0;
      case CC:
        return this.cc;
      case CSTS:
        return this.csts;
      case AQA:
        return this.aqa;
      case ASQ:
      case ASQ + 4:
      case ACQ:
      case ACQ + 4:
        return this.bases[(offset - ASQ) / 4];
      default:
        return 0;
    }
  }

  private writeDword(offset: number, value: number): void {
    switch (offset) {
      // Pin interrupts and MSI only: kept, and without effect.
      case INTMS:
        this.interruptMask |= value;
        break;
      case INTMC:
        this.interruptMask &= ~value;
        break;
      case CC:
        this.configure(value & CC_BITS);
        break;
      case AQA:
        this.aqa = value & AQA_BITS;
        break;
      case ASQ:
      case ACQ:
        this.bases[(offset - ASQ) / 4] = value & ~0xfff;
        break;
      case ASQ + 4:
      case ACQ + 4:
        this.bases[(offset - ASQ) / 4] = value;
        break;
    }
  }

  private configure(cc: number): void {
    const changed = this.cc ^ cc;
    this.cc = cc;
    if (changed & ENABLE) {
      this.csts = 0;
      if ((cc & ENABLE) === 0) this.events.disable();
      else this.csts = (cc & UNSUPPORTED) === 0 && this.events.enable() ? READY : FATAL;
    }
    if ((changed & SHUTDOWN) === 0) return;
    this.csts &= ~SHUTDOWN_COMPLETE;
    if ((cc & SHUTDOWN) === 0) return;
    this.events.shutdown();
    this.csts |= SHUTDOWN_COMPLETE;
  }
}
