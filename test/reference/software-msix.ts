import type { Raised } from '../../src/msix/device-model.js';

interface Entry {
  /** 64 bits. */
  address: bigint;
  data: bigint;
  masked: boolean;
}

const atFirst = (): Entry => ({ address: 0n, data: 0n, masked: true });
const WORD = 0xffffffffn;

/**
 * MSI-X of a function without hardware, written to be read. A vector is masked while MSI-X is disabled, the function is
 * masked or its own bit is set; raised while masked it is pending, and sent once when the last of the three ends.
 */
export class ReferenceSoftwareMsix {
  private readonly count: number;
  private readonly tell: (call: string) => void;
  private entries: Entry[];
  private pendings = new Set<number>();
  private uses: number[];
  /** Those that the model was told are unmasked. */
  private readonly unmasked = new Set<number>();
  private enabled = false;
  private functionMask = false;

  /** `tell` gets what the device model and the host are told. */
  constructor(count: number, tell: (call: string) => void) {
    this.count = count;
    this.tell = tell;
    this.entries = Array.from({ length: count }, atFirst);
    this.uses = Array(count).fill(0);
  }

  get control(): number {
    return (this.count - 1) | (this.enabled ? 0x8000 : 0) | (this.functionMask ? 0x4000 : 0);
  }

  /** The device no longer has what was raised; how often its vectors are used it knows itself. */
  reset(): void {
    this.pendings.clear();
    this.enabled = false;
    this.functionMask = false;
    this.entries = this.entries.map(atFirst);
    this.settle();
  }

  writeControl(value: number): void {
    const enabled = (value & 0x8000) !== 0;
    if (enabled && !this.enabled) this.tell('intx');
    this.enabled = enabled;
    this.functionMask = (value & 0x4000) !== 0;
    this.settle();
  }

  /** 4 bytes of the table. */
  readWord(offset: number): bigint {
    const { address, data, masked } = this.entries[offset >> 4];
    return [address & WORD, address >> 32n, data, masked ? 1n : 0n][(offset >> 2) & 3];
  }

  writeWord(offset: number, value: bigint): void {
    const entry = this.entries[offset >> 4];
    const field = (offset >> 2) & 3;
    if (field === 0) entry.address = ((entry.address >> 32n) << 32n) | value;
    else if (field === 1) entry.address = (value << 32n) | (entry.address & WORD);
    else if (field === 2) entry.data = value;
    else {
      entry.masked = (value & 1n) === 1n;
      this.settle();
    }
  }

  /** Bytes of the PBA; the model is asked first for what waits elsewhere. */
  readPending(from: number, length: number): bigint {
    const end = Math.min(8 * (from + length), this.count);
    if (8 * from < end) this.tell(`poll ${8 * from} ${end}`);
    return [...this.pendings]
      .filter((vector) => vector >= 8 * from && vector < end)
      .reduce((bits, vector) => bits | (1n << BigInt(vector - 8 * from)), 0n);
  }

  raise(vector: number): Raised {
    if (!(this.uses[vector] > 0)) return 'dropped';
    if (this.masked(vector)) {
      this.pendings.add(vector);
      return 'pending';
    }
    this.tell(`send ${vector} ${this.message(vector)}`);
    return 'sent';
  }

  clearPending(vector: number): void {
    this.pendings.delete(vector);
  }

  use(vector: number): boolean {
    if (this.uses[vector] === undefined) return false;
    this.uses[vector]++;
    return true;
  }

  unuse(vector: number): void {
    if (!(this.uses[vector] > 0)) return;
    if (--this.uses[vector] === 0) this.pendings.delete(vector);
  }

  useAll(): void {
    this.uses = this.uses.map((uses) => uses + 1);
  }

  unuseAll(): void {
    this.uses.fill(0);
    this.pendings.clear();
  }

  pending(vector: number): boolean {
    return this.pendings.has(vector);
  }

  masked(vector: number): boolean {
    return !this.enabled || this.functionMask || (this.entries[vector]?.masked ?? true);
  }

  save(): object {
    const { entries, uses, enabled, functionMask, pendings } = this;
    return structuredClone({ entries, uses, enabled, functionMask, pendings });
  }

  /** Of one that was reset: as if everything had been masked before. */
  restore(saved: object): void {
    const { entries, uses, enabled, functionMask, pendings } = structuredClone(saved) as this;
    if (enabled) this.tell('intx');
    Object.assign(this, { entries, uses, enabled, functionMask, pendings });
    this.settle();
  }

  /** What follows from masks that changed, vector after vector. */
  private settle(): void {
    for (let vector = 0; vector < this.count; vector++) {
      const masked = this.masked(vector);
      if (masked !== this.unmasked.has(vector)) continue;
      if (masked) {
        this.unmasked.delete(vector);
        this.tell(`masked ${vector}`);
        continue;
      }
      this.unmasked.add(vector);
      this.tell(`unmasked ${vector} ${this.message(vector)}`);
      if (this.pendings.delete(vector)) this.raise(vector);
    }
  }

  private message(vector: number): string {
    const { address, data } = this.entries[vector];
    return `${address.toString(16)} ${data.toString(16)}`;
  }
}
