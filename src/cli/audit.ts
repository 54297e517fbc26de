import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { audit, hasFinding } from '../audit/audit.js';
import { type Severity, severities } from '../audit/finding.js';
import { pageSizes } from '../audit/findings/shared-pages.js';
import { optionalReasons, type Reason } from '../audit/groups.js';
import { InputError } from '../input-error.js';
import { readMachine } from '../inventory/read-machine.js';
import { auditJson } from '../report/audit-json.js';
import { auditPage } from '../report/audit-page.js';
import { auditText } from '../report/audit-text.js';
import { writeOutput } from './output-file.js';

export const help = `usage: trapline audit [FILE...] [options]

Says which PCI functions of a machine can be passed through to a guest safely: which
share a page (CVE-2024-31146), which must go together, and how to place their BARs
so that none shares a page.

  FILE               what people paste, in any mixture: lspci -v, -vv, -vvv, -nn, -xxxx,
                     /proc/iomem, IOMMU groups (find /sys/kernel/iommu_groups -type l);
                     plain or gzip, - is standard input
  --sysfs DIR        /sys, or a copy of it or of its bus/pci/devices
                     (default, without FILE: the running machine's)
  --page-size N      the hypervisor's: 4096 (default), 16384 or 65536
  --together LIST    keep functions together that share also: intx, reset, sriov
  --json             one line of JSON on standard output, nothing else
  --host NAME        the machine's name in the JSON; default: this machine's for --sysfs
                     /sys, else none
  --report FILE      also writes an HTML page: who owns which bytes of each shared page
  --fail-on LEVEL    exit with 1 from this severity on: info, warning (default), high,
                     or none
  --help             this text

  $ trapline audit test/fixtures/small-bars/example2.txt | head -n 9
  4 functions, pages of 4 KiB: 1 high, 2 warnings, 2 info

  F3 functions share a page
    why: a guest that is given one of the functions reaches the other's registers (XSA-461, CVE-2024-31146)
    high    0000:01:00.0, 0000:01:01.0, 0000:01:02.0 share page 0x7050000000-0x7050000fff
              0x7050000000-0x705000001f  0000:01:00.0 BAR 2
              0x7050000020-0x705000003f  0000:01:01.0 BAR 2
              0x7050000040-0x705000005f  0000:01:02.0 BAR 2
    do: pass them through together, reassign the BARs as planned, or serve the page by trapping

Exit status: 0, 1 for findings, 2 for bad input or where no function is found.
`;

/** `trapline audit`; returns the exit status. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      sysfs: { type: 'string' },
      'page-size': { type: 'string', default: '4096' },
      together: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      host: { type: 'string' },
      report: { type: 'string' },
      'fail-on': { type: 'string', default: 'warning' },
    },
  });
  const pageSize = pageSizes.find((size) => String(size) === values['page-size']);
  if (pageSize === undefined) {
    throw new InputError(`--page-size: expected ${pageSizes.join(', ')}, got ${values['page-size']}`);
  }
  const failOn = values['fail-on'];
  if (failOn !== 'none' && !severities.some((severity) => severity === failOn)) {
    throw new InputError(`--fail-on: expected ${severities.join(', ')} or none, got ${failOn}`);
  }
  const sysfs = values.sysfs ?? (positionals.length === 0 ? '/sys' : undefined);
  const machine = await readMachine({ files: positionals, ...(sysfs !== undefined && { sysfs }) });
  const result = audit(machine, { pageSize, together: reasonsIn(values.together) });
  const host = values.host ?? (sysfs === '/sys' ? hostname() : null);
  process.stdout.write(values.json ? `${JSON.stringify(auditJson(result, host))}\n` : auditText(result));
  if (values.report !== undefined) {
    await writeOutput('--report', values.report, auditPage(result, host));
    if (!values.json) process.stdout.write(`\nreport: ${values.report}\n`);
  }
  return failOn !== 'none' && hasFinding(result, failOn as Severity) ? 1 : 0;
}

function reasonsIn(list: string): Reason[] {
  return list
    .split(',')
    .filter((word) => word !== '')
    .map((word) => {
      const reason = optionalReasons.find((one) => one === word);
      if (!reason) throw new InputError(`--together: expected ${optionalReasons.join(', ')}, got ${word}`);
      return reason;
    });
}
