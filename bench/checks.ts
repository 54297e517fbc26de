import { type Case, cases, type Subject, writes } from './topology.js';

/** What each case is accessed at. */
export type Places = (what: Case) => Float64Array;

/** What a subject answers to the first `count` accesses of each case: one number for all that it says. */
export function checksums(subject: Subject, at: Places, data: Uint32Array, count: number): number[] {
  return cases.map((what) => {
    const places = at(what).subarray(0, count);
    if (writes(what)) {
      for (const [index, address] of places.entries()) subject.write(address, 4, data[index]);
    }
    return places.reduce((sum, address) => (Math.imul(31, sum) + subject.read(address, 4)) | 0, 0) >>> 0;
  });
}

/** A rival that answers otherwise would be measured at something else. */
export function mustAgree(name: string, expected: readonly number[], answered: readonly number[]): void {
  const odd = cases.find((_, index) => answered[index] !== expected[index]);
  if (odd) throw new Error(`${name} answers otherwise: ${odd}`);
}
