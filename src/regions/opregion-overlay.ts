import { bytesOfHex, hexOfBytes } from '../hexadecimal.js';
import type { OpRegionField } from './opregion-fields.js';

/**
 * The fields that the guest wrote. The first write of a field copies it whole, so that none is half the guest's and half
 * the firmware's; from then on it is the guest's own, and the firmware's changes of it are not seen.
 */
export class OpRegionOverlay {
  readonly fields: readonly OpRegionField[];
  private readonly copies = new Map<OpRegionField, Uint8Array>();

  /** `fields` by offset. */
  constructor(fields: readonly OpRegionField[]) {
    this.fields = fields;
  }

  copyOf(field: OpRegionField): Uint8Array | undefined {
    return this.copies.get(field);
  }

  /** The copies by the fields' names. */
  save(): Record<string, string> {
    return Object.fromEntries(Array.from(this.copies, ([{ name }, bytes]) => [name, hexOfBytes(bytes)]));
  }

  /** Why a value is none that `save` gave with these fields, a sentence for each. */
  stateFaults(state: unknown): string[] {
    if (typeof state !== 'object' || state === null || Array.isArray(state)) return ['is no object'];
    return Object.entries(state).flatMap(([name, value]) => {
      const field = this.fields.find((candidate) => candidate.name === name);
      if (!field) return [`has ${name}, which is no field that the guest may write`];
      const size = field.width * field.count;
      const valid = typeof value === 'string' && value.length === 2 * size && /^[0-9a-f]*$/.test(value);
      return valid ? [] : [`has ${name}, which is not ${size} bytes in lower-case hexadecimal`];
    });
  }

  /** Any other field is the firmware's again. */
  restore(state: Record<string, string>): void {
    this.copies.clear();
    for (const field of this.fields) {
      if (field.name in state) this.copies.set(field, bytesOfHex(state[field.name]));
    }
  }

  /** Whether every byte of the range is in a field of the list. */
  covers(position: number, length: number): boolean {
    let next = position;
    for (const field of this.fields) if (contains(field, next)) next = fieldEnd(field);
    return next >= position + length;
  }

  /** What `covers`. `live` fills a field with the firmware's bytes; when it throws, nothing is written. */
  write(position: number, from: Uint8Array, live: (offset: number, into: Uint8Array) => void): void {
    const end = position + from.length;
    const written = this.fields.filter((field) => position < fieldEnd(field) && field.offset < end);
    const fresh = written.map((field) => {
      const copy = this.copies.get(field) ?? new Uint8Array(field.width * field.count);
      if (!this.copies.has(field)) live(field.offset, copy);
      return copy;
    });
    for (const [index, field] of written.entries()) {
      const start = Math.max(position, field.offset);
      const bytes = from.subarray(start - position, Math.min(end, fieldEnd(field)) - position);
      fresh[index].set(bytes, start - field.offset);
      this.copies.set(field, fresh[index]);
    }
  }
}

export const fieldEnd = ({ offset, width, count }: OpRegionField): number => offset + width * count;

const contains = (field: OpRegionField, position: number): boolean =>
  position >= field.offset && position < fieldEnd(field);
