import { grouped } from '../grouped.js';
import { digits } from '../hexadecimal.js';
import type { InventoryFunction, Machine } from '../inventory/machine.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';

/**
 * Linux's `pci=resource_alignment=` for these functions: `[order@]device`, order being log2 of the alignment, `;` between
 * them because `pci=` is cut at commas. All of a model's functions, if there are several, in one entry.
 */
export function resourceAlignment(machine: Machine, functions: readonly Sbdf[], pageSize: number): string {
  const chosen = new Set(functions);
  const merged = [...grouped(machine.functions, modelOf)].filter(
    ([, instances]) => instances.length > 1 && instances.every(({ sbdf }) => chosen.has(sbdf)),
  );
  const covered = new Set(merged.flatMap(([, instances]) => instances.map(({ sbdf }) => sbdf)));
  const single = [...chosen].filter((sbdf) => !covered.has(sbdf));
  const order = Math.log2(pageSize);
  const devices = [...merged.map(([model]) => model), ...single.sort((a, b) => a - b).map(address)];
  return devices.length === 0
    ? ''
    : `pci=resource_alignment=${devices.map((device) => `${order}@${device}`).join(';')}`;
}

const modelOf = ({ vendor, device }: InventoryFunction): string | undefined =>
  vendor === undefined || device === undefined ? undefined : `pci:${digits(vendor, 4)}:${digits(device, 4)}`;

/** The segment is left out where it is 0, as in the kernel's own texts. */
const address = (sbdf: Sbdf): string => formatSbdf(sbdf).replace(/^0000:/, '');
