// The answers on which policies differ, as far as the hot path needs them. See src/policy.ts.

/** Widths with which the PBA may be accessed, a bit set; 15: unaligned ones as well. */
export let pbaWidths: u32 = 12;
/** The domain's writes reach the PBA. */
export let pbaWritable: bool = false;
/** An access whose bytes have different owners is answered byte by byte; else its first byte decides. */
export let splitsCrossing: bool = true;

export function configure(widths: u32, writable: bool, crossing: bool): void {
  pbaWidths = widths;
  pbaWritable = writable;
  splitsCrossing = crossing;
}
