import type { AssignedFunction } from '../../function.js';
import { digits } from '../../hexadecimal.js';
import type { InventoryFunction } from '../../inventory/machine.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../../pci/msix-capability.js';

/** Configuration space header. */
const VENDOR = 0x00;
const DEVICE = 0x02;
const SUBCLASS = 0x0a;

const CLASSES: Readonly<Record<number, string>> = { 264: 'NVMe controller', 65280: 'example device' };

/** `example device 1234:5402` */
export function nameOf({ config }: AssignedFunction): string {
  const subclass = config.read(SUBCLASS, 2);
  const id = [VENDOR, DEVICE].map((register) => digits(config.read(register, 2), 4));
  return `${CLASSES[subclass] ?? `class ${digits(subclass, 4)}`} ${id.join(':')}`;
}

/** A dispatcher's functions as `explain` takes them, at this moment. */
export function inventoryOf(functions: readonly AssignedFunction[]): InventoryFunction[] {
  return functions.map((fn) => {
    const { sbdf, config, bars, msix, decoding, messageControl } = fn;
    return {
      sbdf,
      name: nameOf(fn),
      vendor: config.read(VENDOR, 2),
      device: config.read(DEVICE, 2),
      subsystem: undefined,
      bars: bars.map(({ index, type, address, size, enabled }) => ({
        index,
        type: type as InventoryFunction['bars'][number]['type'],
        address,
        size,
        prefetchable: false,
        disabled: !enabled,
        virtual: false,
      })),
      barsGuessed: false,
      decode: decoding,
      msix: msix && {
        ...msix,
        capability: msix.capability ?? 0,
        enabled: (messageControl & MSIX_ENABLE) !== 0,
        masked: (messageControl & FUNCTION_MASK) !== 0,
      },
      sriov: undefined,
      bridge: undefined,
      capabilities: { functionLevelReset: false, noSoftReset: false },
      interrupt: { pin: undefined, irq: undefined, intxDisabled: false, msiEnabled: false },
      physicalFunction: undefined,
      iommuGroup: undefined,
      driver: undefined,
    };
  });
}
