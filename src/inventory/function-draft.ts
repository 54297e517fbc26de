import type { Sbdf } from '../sbdf.js';
import type {
  BridgeWindow,
  Capabilities,
  InventoryBar,
  InventoryFunction,
  InventoryMsix,
  InventorySriov,
} from './machine.js';
import type { SeenFunction } from './seen-function.js';

type Draft<T> = { -readonly [key in keyof T]: T[key] };

/** The capabilities whose details are read. */
export type Section = 'express' | 'powerManagement' | 'advancedFeatures' | 'msix' | 'sriov' | 'other';

/** A function of which `lspci`'s lines are being read. */
export class FunctionDraft {
  readonly sbdf: Sbdf;
  name: string | undefined;
  classCode: number | undefined;
  vendor: number | undefined;
  device: number | undefined;
  subsystem: InventoryFunction['subsystem'];
  readonly bars: InventoryBar[] = [];
  barsGuessed = false;
  decode: boolean | undefined;
  readonly msix: Partial<Draft<InventoryMsix>> = {};
  readonly sriov: Partial<Draft<InventorySriov>> = {};
  readonly virtualBars: InventoryBar[] = [];
  bridge: { readonly secondary: number; readonly subordinate: number } | undefined;
  windows: { memory?: BridgeWindow; prefetchable?: BridgeWindow } | undefined;
  readonly capabilities: Draft<Capabilities> = { functionLevelReset: false, noSoftReset: false };
  pin: number | undefined;
  irq: number | undefined;
  intxDisabled: boolean | undefined;
  msiEnabled = false;
  iommuGroup: number | undefined;
  driver: string | undefined;
  /** More than its first line, subsystem and driver: BARs and capabilities are listed. */
  detailed = false;
  /** Registers are shown (`-vv`): who does not have a line has no interrupt pin. */
  hasRegisters = false;
  denied = false;
  readonly listed = new Set<Section>();
  /** The capability whose details follow. The function's own BARs are before all capabilities. */
  section: Section | undefined;
  /** The BAR of the line before, without its size. */
  unsized: InventoryBar[] | undefined;
  readonly image: number[] = [];

  constructor(sbdf: Sbdf) {
    this.sbdf = sbdf;
  }

  seen(): SeenFunction {
    const { sbdf, name, classCode, vendor, device, subsystem, detailed, bars, barsGuessed } = this;
    const shown = detailed && !this.denied;
    const memory = bars.find(({ type, virtual }) => type.startsWith('mem') && !virtual);
    return {
      sbdf,
      name,
      classCode,
      vendor,
      device,
      subsystem,
      bars: detailed ? [...bars].sort((a, b) => a.index - b.index) : undefined,
      barsGuessed,
      // Without registers: [disabled] is printed where decoding is off.
      decode: this.decode ?? (memory && !memory.disabled),
      msix: isMsix(this.msix) ? this.msix : shown && !this.listed.has('msix') ? 'none' : undefined,
      sriov: isSriov(this.sriov)
        ? { ...this.sriov, bars: this.virtualBars }
        : shown && !this.listed.has('sriov')
          ? 'none'
          : undefined,
      bridge: this.bridge && {
        ...this.bridge,
        windows:
          this.windows &&
          [this.windows.memory, this.windows.prefetchable].filter((window) => window !== undefined),
      },
      capabilities: shown ? this.capabilities : undefined,
      interrupt: {
        pin: this.pin ?? (this.hasRegisters ? 0 : undefined),
        irq: this.irq,
        intxDisabled: this.intxDisabled,
        msiEnabled: shown ? this.msiEnabled : undefined,
      },
      iommuGroup: this.iommuGroup,
      driver: this.driver,
    };
  }
}

const isMsix = (msix: Partial<InventoryMsix>): msix is InventoryMsix =>
  msix.table !== undefined && msix.pba !== undefined && msix.count !== undefined;

const isSriov = (sriov: Partial<InventorySriov>): sriov is InventorySriov =>
  sriov.enabled !== undefined &&
  sriov.totalVfs !== undefined &&
  sriov.offset !== undefined &&
  sriov.systemPageSize !== undefined;
