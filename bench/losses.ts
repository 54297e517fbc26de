import type { Row } from './row.js';

/** Where a rival answers faster than Trapline does from JavaScript. */
export interface Loss {
  readonly rival: Row;
  readonly ours: Row;
}

export function lossesOf(rows: readonly Row[]): Loss[] {
  const ours = rows.filter(({ subject, door }) => subject === 'trapline' && door === 'js');
  return rows
    .filter(({ subject }) => !['trapline', 'floor', 'producer'].includes(subject))
    .flatMap((rival) => {
      const row = ours.find(
        ({ access, functions, vectors }) =>
          access === rival.access && functions === rival.functions && vectors === rival.vectors,
      );
      return row && rival.ns < row.ns ? [{ rival, ours: row }] : [];
    });
}
