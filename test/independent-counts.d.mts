export function lines(path: string): string[];
export function countAccesses(path: string, wanted: (status: string) => boolean): Map<string, number>;
export function countRows(rows: readonly string[], wanted: (status: string) => boolean): Map<string, number>;
export function countMmiotrace(
  trace: readonly string[],
  layout: string,
  seen?: (index: number, kind: string) => void,
): Map<string, number>;
