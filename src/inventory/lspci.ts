import type { MsixLayout } from '../function.js';
import type { BarType } from '../host.js';
import { InputError } from '../input-error.js';
import { readLines } from '../lines.js';
import { formatSbdf, parseSbdf, type Sbdf } from '../sbdf.js';
import { barFault } from './bar-list.js';

/** A function of a machine, as `lspci -vvv` shows it. */
export interface InventoryFunction {
  readonly sbdf: Sbdf;
  /** The class and device names of its first line. */
  readonly name: string;
  readonly vendor: number | undefined;
  readonly device: number | undefined;
  /** By index; 6 is the expansion ROM. I/O BARs too. */
  readonly bars: readonly InventoryBar[];
  readonly msix: InventoryMsix | undefined;
  /** Bus numbers of a bridge. */
  readonly bridge: { readonly secondary: number; readonly subordinate: number } | undefined;
  readonly capabilities: Capabilities;
}

export interface InventoryBar {
  readonly index: number;
  readonly type: BarType;
  /** Undefined: not assigned. */
  readonly address: number | undefined;
  /** Undefined: not shown. */
  readonly size: number | undefined;
  readonly disabled: boolean;
  /** Known to the system, not in the function's own BAR registers: those of SR-IOV virtual functions. */
  readonly virtual: boolean;
}

export interface InventoryMsix extends MsixLayout {
  readonly enabled: boolean;
  readonly masked: boolean;
  /** Offset of the capability in config space. */
  readonly capability: number;
}

/** Offsets in config space of the capabilities through which a function is reset. */
export interface Capabilities {
  readonly express?: number;
  readonly powerManagement?: number;
  readonly advancedFeatures?: number;
  /** A function level reset is implemented. */
  readonly functionLevelReset: boolean;
  /** D3hot to D0 does not reset. */
  readonly noSoftReset: boolean;
}

const FUNCTION = /^(?:([0-9a-f]{4,}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7]) (.+)$/i;
const IDENTIFIERS = /\[([0-9a-f]{4}):([0-9a-f]{4})\]/gi;
const SIZE = /\[size=(\d+)([KMGT]?)\]/;
const MSIX = /^MSI-X: Enable([+-]) Count=(\d+)(?: Masked([+-]))?/;

type Draft<T> = { -readonly [key in keyof T]: T[key] };

interface FunctionDraft {
  sbdf: Sbdf;
  name: string;
  vendor: number | undefined;
  device: number | undefined;
  bars: InventoryBar[];
  msix: Draft<InventoryMsix> | undefined;
  bridge: InventoryFunction['bridge'];
  capabilities: Draft<Capabilities>;
  /** The capability whose details follow. */
  section: string;
}

/** Reads `lspci -vvv` line by line. Lines it does not know are skipped. */
export class LspciReader {
  private readonly drafts: FunctionDraft[] = [];
  private draft: FunctionDraft | undefined;

  line(text: string): void {
    const head = FUNCTION.exec(text);
    if (head) {
      // Segments above ffff (domains that VMD makes up) have no SBDF.
      this.draft = head[1] && parseInt(head[1], 16) > 0xffff ? undefined : newDraft(head);
      if (this.draft) this.drafts.push(this.draft);
    } else if (this.draft) {
      detail(this.draft, text);
    }
  }

  functions(): InventoryFunction[] {
    // `lspci -v` shows MSI-X without its layout.
    const known = (msix: InventoryMsix) => msix.table.bir >= 0 && msix.pba.bir >= 0;
    return this.drafts.map(({ section: _, ...draft }) => ({
      ...draft,
      msix: draft.msix && known(draft.msix) ? draft.msix : undefined,
    }));
  }
}

function newDraft(head: RegExpExecArray): FunctionDraft {
  const identifiers = [...head[3].matchAll(IDENTIFIERS)].at(-1);
  return {
    sbdf: parseSbdf(head[1] ? `${head[1]}:${head[2]}` : head[2]),
    name: head[3],
    vendor: identifiers && parseInt(identifiers[1], 16),
    device: identifiers && parseInt(identifiers[2], 16),
    bars: [],
    msix: undefined,
    bridge: undefined,
    capabilities: { functionLevelReset: false, noSoftReset: false },
    section: '',
  };
}

/** Lines of a function, by their form. One tab: the function's own; a virtual function's BARs stand deeper, in SR-IOV. */
const DETAILS: readonly [RegExp, (draft: FunctionDraft, match: RegExpExecArray) => void][] = [
  [
    // Older versions print [virtual] before the space.
    /^\tRegion ([0-5]): ((?:\[\w+\] )*)(Memory|I\/O ports) at (\S+)(.*)$/,
    (draft, [, index, flags, space, address, rest]) => {
      const memory = rest.includes('64-bit') ? 'mem64' : 'mem32';
      draft.bars.push(bar(Number(index), space === 'Memory' ? memory : 'io', address, flags + rest));
    },
  ],
  [
    /^\t(?:\[\w+\] )*Expansion ROM at (\S+)(.*)$/,
    (draft, [, address, rest]) => draft.bars.push(bar(6, 'rom', address, rest)),
  ],
  [
    /^\tBus: primary=[0-9a-f]+, secondary=([0-9a-f]+), subordinate=([0-9a-f]+)/i,
    (draft, [, secondary, subordinate]) => {
      draft.bridge = { secondary: parseInt(secondary, 16), subordinate: parseInt(subordinate, 16) };
    },
  ],
  [
    /^\tCapabilities: \[([0-9a-f]+)(?: v\d+)?\] (.*)$/i,
    (draft, [, offset, text]) => {
      draft.section = text;
      capability(draft, parseInt(offset, 16), text);
    },
  ],
  [
    /^\t\t(Vector table|PBA): BAR=(\d+) offset=([0-9a-f]+)/i,
    ({ msix, section }, [, part, bir, offset]) => {
      if (!msix || !section.startsWith('MSI-X')) return;
      msix[part === 'PBA' ? 'pba' : 'table'] = { bir: Number(bir), offset: parseInt(offset, 16) };
    },
  ],
  [
    /\b(?:FLReset|FLR)\+/,
    ({ capabilities, section }) => {
      if (/^Express|^PCI Advanced/.test(section)) capabilities.functionLevelReset = true;
    },
  ],
  [
    /\bNoSoftRst\+/,
    ({ capabilities }) => {
      capabilities.noSoftReset = true;
    },
  ],
];

function detail(draft: FunctionDraft, text: string): void {
  for (const [form, apply] of DETAILS) {
    const match = form.exec(text);
    if (!match) continue;
    apply(draft, match);
    return;
  }
}

function capability(draft: FunctionDraft, offset: number, text: string): void {
  const unknown = { bir: -1, offset: 0 };
  const msix = MSIX.exec(text);
  if (msix) {
    draft.msix = {
      enabled: msix[1] === '+',
      masked: msix[3] === '+',
      count: Number(msix[2]),
      table: unknown,
      pba: unknown,
      capability: offset,
    };
  } else if (text.startsWith('Express')) draft.capabilities.express = offset;
  else if (text.startsWith('Power Management')) draft.capabilities.powerManagement = offset;
  else if (text.startsWith('PCI Advanced Features')) draft.capabilities.advancedFeatures = offset;
}

function bar(index: number, type: BarType, address: string, rest: string): InventoryBar {
  const assigned = /^[0-9a-f]+$/i.test(address) && !rest.includes('<unassigned>');
  const size = SIZE.exec(rest);
  return {
    index,
    type,
    address: assigned ? parseInt(address, 16) : undefined,
    size: size ? Number(size[1]) * 1024 ** ' KMGT'.indexOf(size[2] || ' ') : undefined,
    disabled: rest.includes('[disabled]'),
    virtual: rest.includes('[virtual]'),
  };
}

/**
 * The functions of one machine from several `lspci -vvv` files: a later one adds functions (virtual ones appear late)
 * and what an earlier one did not show; MSI-X counts as enabled when any of them says so.
 */
export async function readInventory(paths: readonly string[]): Promise<InventoryFunction[]> {
  const machine = new Map<Sbdf, InventoryFunction>();
  for (const path of paths) {
    const reader = new LspciReader();
    await readLines(path, (bytes, start, end) => {
      reader.line(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString());
    });
    const functions = reader.functions();
    if (functions.length === 0)
      throw new InputError(`${path}: expected the output of lspci -vvv, found no function`);
    for (const fn of functions) {
      const known = machine.get(fn.sbdf);
      machine.set(fn.sbdf, known ? merge(known, fn) : fn);
    }
  }
  for (const fn of machine.values()) check(fn);
  return [...machine.values()].sort((a, b) => a.sbdf - b.sbdf);
}

function merge(first: InventoryFunction, later: InventoryFunction): InventoryFunction {
  const bars = later.bars.filter((bar) => !first.bars.some(({ index }) => index === bar.index));
  const msix = first.msix ?? later.msix;
  return {
    ...first,
    bars: [...first.bars, ...bars].sort((a, b) => a.index - b.index),
    msix:
      msix &&
      (later.msix?.enabled && !msix.enabled ? { ...msix, enabled: true, masked: later.msix.masked } : msix),
    bridge: first.bridge ?? later.bridge,
  };
}

// PCIe 7.7.2.2: Table Size encodes 1 to 2048.
function check({ sbdf, bars, msix }: InventoryFunction): void {
  const fault = barFault(bars);
  if (fault) throw new InputError(`inventory: ${formatSbdf(sbdf)} ${fault}`);
  if (msix && (msix.count < 1 || msix.count > 2048)) {
    throw new InputError(
      `inventory: ${formatSbdf(sbdf)}: expected an MSI-X Count of 1 to 2048, got ${msix.count}`,
    );
  }
}
