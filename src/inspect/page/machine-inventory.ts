import type { AssignedFunction } from '../../function.js';
import { digits } from '../../hexadecimal.js';
import type { InventoryFunction } from '../../inventory/machine.js';
import { CLASS, DEVICE_ID, VENDOR_ID } from '../../pci/header.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../../pci/msix-capability.js';

/** By base class and sub-class. */
const CLASSES = new Map([
  [0x0108, 'NVMe controller'],
  [0xff00, 'example device'],
]);

/** `example device 1234:5402` */
export function nameOf({ config }: AssignedFunction): string {
  const code = config.read(CLASS, 2);
  const id = [VENDOR_ID, DEVICE_ID].map((register) => digits(config.read(register, 2), 4));
  return `${CLASSES.get(code) ?? `class ${digits(code, 4)}`} ${id.join(':')}`;
}

/** A dispatcher's functions as `explain` takes them, at this moment. */
export function inventoryOf(functions: readonly AssignedFunction[]): InventoryFunction[] {
  return functions.map((fn) => {
    const { sbdf, config, bars, msix, decoding, messageControl } = fn;
    return {
      sbdf,
      name: nameOf(fn),
      vendor: config.read(VENDOR_ID, 2),
      device: config.read(DEVICE_ID, 2),
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
