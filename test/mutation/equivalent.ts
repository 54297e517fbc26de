/** A mutant that no access can tell from the sources as they are. */
export interface Equivalent {
  readonly file: string;
  readonly was: string;
  readonly becomes: string;
  readonly reason: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'assembly/classify.ts',
    was: 'export const IN_SPAN: i32 = -1;',
    becomes: 'export const IN_SPAN: i32 = 1;',
    reason: 'Any value but DONE and an outcome with a page will do; the page 0 of a bare 1 is nobody’s.',
  },
  {
    file: 'assembly/classify.ts',
    was: 'export const IN_SPAN: i32 = -1;',
    becomes: 'export const IN_SPAN: i32 = -2;',
    reason: 'Any value but DONE and an outcome will do.',
  },
  {
    file: 'assembly/classify.ts',
    was: 'export let span: usize = 0;',
    becomes: 'export let span: usize = 1;',
    reason: 'It is set before IN_SPAN is returned, and read only after that.',
  },
];
