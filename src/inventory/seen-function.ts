import { digits } from '../hexadecimal.js';
import type { Sbdf } from '../sbdf.js';
import type {
  BridgeWindow,
  Capabilities,
  InventoryBar,
  InventoryFunction,
  InventoryInterrupt,
  InventoryMsix,
  InventorySriov,
} from './machine.js';

/** What a source shows of a function. Undefined: not shown. */
export interface SeenFunction {
  readonly sbdf: Sbdf;
  readonly name?: string;
  /** Base class and sub-class. */
  readonly classCode?: number;
  readonly vendor?: number;
  readonly device?: number;
  readonly subsystem?: InventoryFunction['subsystem'];
  readonly bars?: readonly InventoryBar[];
  readonly barsGuessed?: boolean;
  readonly decode?: boolean;
  readonly msix?: InventoryMsix | 'none';
  readonly sriov?: InventorySriov | 'none';
  readonly bridge?: SeenBridge;
  readonly capabilities?: Capabilities;
  readonly interrupt?: Partial<InventoryInterrupt>;
  readonly physicalFunction?: Sbdf;
  readonly iommuGroup?: number;
  readonly driver?: string;
}

export interface SeenBridge {
  readonly secondary: number;
  readonly subordinate: number;
  readonly windows?: readonly BridgeWindow[];
}

const ROM = 6;

/** The function as both show it: the first where they differ, but MSI-X and MSI are enabled when either says so. */
export function merged(first: SeenFunction, later: SeenFunction): SeenFunction {
  const bridge = first.bridge ?? later.bridge;
  return {
    ...later,
    ...defined(first),
    ...mergedBars(first, later),
    msix: mergedMsix(first.msix, later.msix),
    sriov: mergedSriov(first.sriov, later.sriov),
    bridge: bridge && { ...bridge, windows: bridge.windows ?? later.bridge?.windows },
    capabilities: mergedCapabilities(first.capabilities, later.capabilities),
    interrupt: {
      ...later.interrupt,
      ...defined(first.interrupt ?? {}),
      msiEnabled: first.interrupt?.msiEnabled || later.interrupt?.msiEnabled,
    },
  };
}

/** What the inventory says of it; of what is not shown, that it is not there. */
export function inventoryFunction(seen: SeenFunction): InventoryFunction {
  const { sbdf, msix, sriov, bridge, interrupt } = seen;
  return {
    sbdf,
    name: seen.name ?? numbersOf(seen),
    vendor: seen.vendor,
    device: seen.device,
    subsystem: seen.subsystem,
    bars: seen.bars ?? [],
    barsGuessed: seen.barsGuessed ?? false,
    decode: seen.decode,
    msix: msix === 'none' ? undefined : msix,
    sriov: sriov === 'none' ? undefined : sriov,
    bridge: bridge && { ...bridge, windows: bridge.windows ?? [] },
    capabilities: seen.capabilities ?? { functionLevelReset: false, noSoftReset: false },
    interrupt: {
      pin: interrupt?.pin,
      irq: interrupt?.irq,
      intxDisabled: interrupt?.intxDisabled ?? false,
      msiEnabled: interrupt?.msiEnabled ?? false,
    },
    physicalFunction: seen.physicalFunction,
    iommuGroup: seen.iommuGroup,
    driver: seen.driver,
  };
}

/** As `lspci -nn` names what it knows by its numbers only. */
function numbersOf({ classCode, vendor, device }: SeenFunction): string {
  const kind = classCode === undefined ? '' : `Class [${digits(classCode, 4)}]: `;
  return vendor === undefined || device === undefined
    ? kind
    : `${kind}Device [${digits(vendor, 4)}:${digits(device, 4)}]`;
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function mergedBars(first: SeenFunction, later: SeenFunction): Pick<SeenFunction, 'bars' | 'barsGuessed'> {
  if (!first.bars || !later.bars) {
    const { bars, barsGuessed } = first.bars ? first : later;
    return { bars, barsGuessed };
  }
  const a = first.barsGuessed && !later.barsGuessed ? indexed(first.bars, later.bars) : first;
  const b = later.barsGuessed && !first.barsGuessed ? indexed(later.bars, first.bars) : later;
  const earlier = a.bars ?? [];
  const added = (b.bars ?? []).filter((bar) => !earlier.some(({ index }) => index === bar.index));
  const sized = earlier.map((bar) => ({
    ...bar,
    size: bar.size ?? b.bars?.find(({ index }) => index === bar.index)?.size,
  }));
  return {
    bars: [...sized, ...added].sort((x, y) => x.index - y.index),
    barsGuessed: (a.barsGuessed || b.barsGuessed) ?? false,
  };
}

/** BARs whose indices are guessed, with the index of that which is known to be at the same address. */
function indexed(
  guessed: readonly InventoryBar[],
  known: readonly InventoryBar[],
): { readonly bars: readonly InventoryBar[]; readonly barsGuessed: boolean } {
  let next = 0;
  let barsGuessed = false;
  const bars = guessed.flatMap((bar) => {
    if (bar.index === ROM) return [bar];
    const match = known.find(
      ({ type, address }) => type === bar.type && address === bar.address && address !== undefined,
    );
    const index = match?.index ?? next;
    if (!match && (index >= ROM || known.some((other) => other.index === index))) return [];
    if (!match) barsGuessed = true;
    next = index + (bar.type === 'mem64' ? 2 : 1);
    return [{ ...bar, index }];
  });
  return { bars, barsGuessed };
}

function mergedMsix(first: SeenFunction['msix'], later: SeenFunction['msix']): SeenFunction['msix'] {
  if (first === undefined || first === 'none') return later ?? first;
  if (later === undefined || later === 'none' || first.enabled || !later.enabled) return first;
  return { ...first, enabled: true, masked: later.masked };
}

function mergedSriov(first: SeenFunction['sriov'], later: SeenFunction['sriov']): SeenFunction['sriov'] {
  if (first === undefined || first === 'none') return later ?? first;
  if (later === undefined || later === 'none') return first;
  const { bars } = mergedBars({ sbdf: 0, bars: first.bars }, { sbdf: 0, bars: later.bars });
  const { enabled, numVfs } = first.enabled ? first : later;
  const { systemPageSize, supportedPageSizes } = first.supportedPageSizes.length > 0 ? first : later;
  return { ...first, enabled, numVfs, systemPageSize, supportedPageSizes, bars: bars ?? [] };
}

function mergedCapabilities(first?: Capabilities, later?: Capabilities): Capabilities | undefined {
  if (!first || !later) return first ?? later;
  return {
    ...later,
    ...defined(first),
    functionLevelReset: first.functionLevelReset || later.functionLevelReset,
    noSoftReset: first.noSoftReset || later.noSoftReset,
  };
}
