/** Whose a byte of a page is, by the name of its colour, and what that means for readers. */
export const OWNERS: readonly (readonly [name: string, text: string])[] = [
  ['table', 'MSI-X table entry'],
  ['pba', 'pending-bit array'],
  ['adjacent', 'same BAR beside them'],
  ['rom', 'expansion ROM'],
  ['region', 'region that is no BAR'],
  ['neighbour', "another BAR's bytes"],
  ['direct', 'a page without either'],
  ['nobody', 'in no BAR'],
];
