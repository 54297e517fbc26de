/** Who answers the bytes of a range: [start, end) have one owner. */
export type Owner = 'table' | 'pba' | 'forward' | 'nobody';

/** A run of bytes of one guest page with one owner, on one host page. Offsets are within the page. */
export interface PageSpan {
  readonly offset: number;
  readonly end: number;
  readonly kind: Owner;
  /** PBA: the widths that the policy allows, a bit set. */
  readonly widths: number;
  /** Id of the mapped page behind the bytes; 0 for nobody's. */
  readonly pageId: number;
  /** Offset in the host page of the first byte. */
  readonly hostOffset: number;
  /** Table: pointer to its entries, to its `updated` bytes, first byte's offset in it, halves exchanged. */
  readonly storage: number;
  readonly updated: number;
  readonly tableOffset: number;
  readonly swapped: boolean;
}
