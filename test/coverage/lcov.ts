import type { Counted } from './instrument.js';

/** Records in the format of LCOV's geninfo, a file each. Counts are of bytes that wrap: 0 or not is what they tell. */
export function lcovOf({ blocks, lines }: Counted, counts: readonly number[]): string {
  return [...lines]
    .map(([file, of]) => {
      const own = blocks.flatMap((block, id) =>
        block.file === file ? [{ ...block, count: counts[id] }] : [],
      );
      const functions = own.filter(({ kind }) => kind === 'function');
      const branches = own.filter(({ kind }) => kind !== 'function');
      const text = [
        `SF:${file}`,
        ...functions.map(({ line, function: name }) => `FN:${line},${name}`),
        ...functions.map(({ function: name, count }) => `FNDA:${count},${name}`),
        `FNF:${functions.length}`,
        `FNH:${hit(functions)}`,
        ...branches.map(({ line, count }, index) => `BRDA:${line},0,${index},${count}`),
        `BRF:${branches.length}`,
        `BRH:${hit(branches)}`,
        ...[...of].sort(([a], [b]) => a - b).map(([line, id]) => `DA:${line},${counts[id]}`),
        `LF:${of.size}`,
        `LH:${[...of.values()].filter((id) => counts[id] > 0).length}`,
        'end_of_record',
      ];
      return `${text.join('\n')}\n`;
    })
    .join('');
}

function hit(blocks: readonly { readonly count: number }[]): number {
  return blocks.filter(({ count }) => count > 0).length;
}
