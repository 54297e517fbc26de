import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit } from '../src/audit/audit.js';
import { readMachine } from '../src/inventory/read-machine.js';
import { formatSbdf } from '../src/sbdf.js';
import { median } from './median.js';

/** Seconds to read what lspci prints of a machine, and to audit it. */
export interface AuditTime {
  readonly machine: string;
  readonly functions: number;
  readonly findings: number;
  readonly read: number;
  /** The process's first audit, its code not yet compiled. */
  readonly first: number;
  /** Median of those after it. */
  readonly later: number;
}

const FUNCTIONS = 4096;
const RUNS = 4;
const WINDOW = 0x7000000000;
/** Bytes from one function's small BAR to the next one's: 64 functions share each page, or none does. */
const MACHINES = [
  { machine: '64 functions a page', distance: 64 },
  { machine: 'no shared page', distance: 4096 },
] as const;

export async function measureAudit(): Promise<AuditTime[]> {
  const folder = mkdtempSync(join(tmpdir(), 'trapline-bench-'));
  try {
    const times: AuditTime[] = [];
    for (const { machine, distance } of MACHINES) {
      const file = join(folder, 'lspci.txt');
      writeFileSync(file, lspci(distance));
      const [reading, seconds]: [number[], number[]] = [[], []];
      let findings = 0;
      for (let run = 0; run < RUNS; run++) {
        const start = performance.now();
        const inventory = await readMachine({ files: [file] });
        const ready = performance.now();
        findings = audit(inventory).findings.length;
        seconds.push((performance.now() - ready) / 1000);
        reading.push((ready - start) / 1000);
      }
      const [first, ...rest] = seconds;
      times.push({
        machine,
        functions: FUNCTIONS,
        findings,
        read: reading[0],
        first,
        later: median(rest),
      });
    }
    return times;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Functions on buses 1 to 16, each with registers, MSI-X in them, and a BAR of 64 bytes. */
function lspci(distance: number): string {
  return Array.from({ length: FUNCTIONS }, (_, index) => {
    const hex = (value: number) => value.toString(16);
    return [
      `${formatSbdf(0x100 + index)} Ethernet controller [0200]: Device [1af4:${hex(0x1000 + (index % 64))}]`,
      '\tControl: I/O- Mem+ BusMaster+ DisINTx-',
      `\tInterrupt: pin A routed to IRQ ${16 + (index % 8)}`,
      `\tIOMMU group: ${index}`,
      `\tRegion 0: Memory at ${hex(0x80000000 + index * 0x4000)} (32-bit, non-prefetchable) [size=16K]`,
      `\tRegion 2: Memory at ${hex(WINDOW + index * distance)} (64-bit, prefetchable) [size=64]`,
      '\tCapabilities: [40] MSI-X: Enable+ Count=8 Masked-',
      '\t\tVector table: BAR=0 offset=00002000',
      '\t\tPBA: BAR=0 offset=00003000',
      '',
    ].join('\n');
  }).join('\n');
}
