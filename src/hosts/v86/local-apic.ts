/** What of v86's exports interrupts need. */
export interface ApicExports {
  readonly memory: WebAssembly.Memory;
  get_apic_addr(): number;
}

/** The local APIC in v86's linear memory, in 32-bit words: interrupt request and trigger mode registers, 8 each. */
const IRR = 16;
const TMR = 32;

/** v86's one local APIC. */
export class LocalApic {
  private readonly exports: ApicExports;
  /** Taken once: v86 panics when it is asked while it holds the APIC's lock. */
  private readonly word: number;

  constructor(exports: ApicExports) {
    this.exports = exports;
    this.word = (exports.get_apic_addr() >>> 0) / 4;
  }

  /** Requests an edge-triggered interrupt. v86 looks at the requests on HLT, STI, EOI and every 100,003 instructions. */
  request(vector: number): void {
    const words = new Uint32Array(this.exports.memory.buffer);
    const bank = this.word + (vector >>> 5);
    const bit = 1 << (vector & 31);
    words[bank + IRR] |= bit;
    words[bank + TMR] &= ~bit;
  }
}
