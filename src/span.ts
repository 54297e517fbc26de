/** Who answers the bytes of a range: [start, end) have one owner. */
export type Owner = 'table' | 'pba' | 'forward' | 'nobody';

/** A run of bytes of one guest page with one owner, on one host page. Offsets are within the page. */
export interface PageSpan {
  readonly offset: number;
  readonly end: number;
  /** Whose they are. */
  readonly kind: Owner;
  /** PBA: the widths that the policy allows, a bit set. */
  readonly widths: number;
  /** Id of the mapped page behind the bytes; 0 for nobody's. */
  readonly pageId: number;
  /** Offset in the host page of the first byte. */
  readonly hostOffset: number;
  /** Table: pointer to its entries. */
  readonly storage: number;
  /** Table: pointer to the `updated` bytes. */
  readonly updated: number;
  /** Table: offset in it of the first byte. */
  readonly tableOffset: number;
  /** Table: the halves of its entries are exchanged. */
  readonly swapped: boolean;
}
