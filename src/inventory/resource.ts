/** Resources whose size is that of a BAR: 0 to 5, then the ROM. */
const RESOURCES = 7;

/**
 * Sizes in bytes by BAR index, 6 the ROM, from sysfs `resource`: a line `start end flags` in hexadecimal for each
 * resource, all zero where there is none.
 */
export function resourceSizes(text: string): number[] {
  return text
    .trim()
    .split('\n')
    .slice(0, RESOURCES)
    .map((line) => {
      const [start, end] = line.trim().split(/\s+/).map(Number);
      return end > start ? end - start + 1 : 0;
    });
}
