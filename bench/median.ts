export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

/** The number that this share of them is below. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
