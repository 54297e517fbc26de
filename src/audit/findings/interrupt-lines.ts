import { grouped } from '../../grouped.js';
import { formatSbdf } from '../../sbdf.js';
import { type Finding, finding } from '../finding.js';
import { lineOf } from '../groups.js';
import type { MemoryMap } from '../memory-map.js';

/** F8. */
export function sharedLines({ machine }: MemoryMap): Finding[] {
  const lines = grouped(machine.functions, lineOf);
  return [...lines]
    .filter(([, functions]) => functions.length > 1)
    .sort(([a], [b]) => a - b)
    .map(([irq, functions]) => {
      const using = functions.filter(
        ({ interrupt, msix }) => !interrupt.intxDisabled && !interrupt.msiEnabled && !msix?.enabled,
      );
      const names = functions.map(({ sbdf }) => formatSbdf(sbdf)).join(', ');
      return finding(
        'F8',
        using.length > 1 ? 'warning' : 'info',
        `${names} share the interrupt line IRQ ${irq}; ${using.length} of them use it`,
        functions.map(({ sbdf }) => sbdf),
        'pass them through together, or only functions that use MSI or MSI-X and can disable INTx',
      );
    });
}
