import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/audit/finding.js';
import { findings } from '../../src/audit/findings.js';
import { readMachine } from '../../src/inventory/read-machine.js';
import { formatSbdf } from '../../src/sbdf.js';

/** A line of audit.tsv, which a program of its own made from the same lspci output, and which was looked through by hand. */
function row({ code, functions, ranges, what, pages }: Finding): string {
  const names = functions.map(formatSbdf).join(' ');
  switch (code) {
    case 'F4': {
      const rest = ranges.filter(({ owner }) => owner.endsWith('other bytes'));
      return `${code}\t${names}\t${rest.reduce((sum, { start, end }) => sum + end - start, 0)} other bytes`;
    }
    case 'F8': {
      const [, irq, users] = /IRQ (\d+); (\d+) of them/.exec(what) as RegExpExecArray;
      return `${code}\t${names}\tIRQ ${irq}, ${users} use it`;
    }
    case 'F9':
      return `${code}\t${names}\tROM`;
    case 'F10': {
      const [, size, count] = /pages of (\d+) KiB .* share (\d+) page/.exec(what) as RegExpExecArray;
      expect(pages.every(({ start }) => start % (1024 * Number(size)) === 0)).toBe(true);
      return `${code}\t\t${size} KiB: ${functions.length} functions, ${count} pages`;
    }
    default:
      return `${code}\t${names}\t${what}`;
  }
}

it.each(['m1', 'm2', 'm3'])('%s has the findings that were recorded', async (name) => {
  const machine = await readMachine({ files: [`test/fixtures/${name}/lspci.txt`] });
  const expected = readFileSync(`test/fixtures/${name}/audit.tsv`, 'utf8').trimEnd().split('\n');
  expect(findings(machine, 4096).map(row).sort()).toEqual(expected);
});
