// The answers on which policies differ, as far as the hot path needs them. See src/policy.ts.

/** The domain's writes reach the PBA. */
export let pbaWritable: bool = false;
/** An access whose bytes have different owners is answered byte by byte; else its first byte decides. */
export let splitsCrossing: bool = true;

export function configure(writable: bool, crossing: bool): void {
  pbaWritable = writable;
  splitsCrossing = crossing;
}
