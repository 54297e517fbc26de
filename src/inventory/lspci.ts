import type { Sbdf } from '../sbdf.js';
import { pageSizes } from './config-image.js';
import { FunctionDraft, type Section } from './function-draft.js';
import { functionHead } from './function-head.js';
import { hexdumpRow } from './hexdump.js';
import { type ListedBar, listedBar, listedSize } from './lspci-bar.js';
import type { InventoryBar, InventoryFunction } from './machine.js';
import { inventoryFunction } from './seen-function.js';
import { Sight } from './sight.js';

const IDENTIFIERS = /\[([0-9a-f]{4}):([0-9a-f]{4})\]/gi;
/** `lspci -n` */
const NUMBERS = /^([0-9a-f]{4}): ([0-9a-f]{4}):([0-9a-f]{4})\b/i;
const CLASS = /^[^:]*\[([0-9a-f]{4})\]:/i;

/** Reads the output of `lspci`, whatever its options, line by line. Lines it does not know are skipped. */
export class LspciReader {
  private readonly sight: Sight;
  private draft: FunctionDraft | undefined;
  /** First lines of functions so far. */
  heads = 0;

  constructor(sight = new Sight()) {
    this.sight = sight;
  }

  /** The function whose lines are being read, if there were any behind its first. */
  get current(): Sbdf | undefined {
    return this.draft?.detailed ? this.draft.sbdf : undefined;
  }

  line(line: string): void {
    const text = line.trim();
    const head = functionHead(text);
    if (head?.text) {
      this.end();
      this.heads++;
      if (head.sbdf === undefined) this.sight.beyond.add(head.address);
      else this.draft = begun(head.sbdf, head.text);
    } else if (this.draft) {
      detail(this.draft, text.replace(/\s+/g, ' '));
    }
  }

  /** No line follows. */
  end(): void {
    const { draft } = this;
    if (!draft) return;
    this.sight.show(draft.seen());
    if (draft.image.length > 0) this.sight.showImage(draft.sbdf, Uint8Array.from(draft.image));
    this.draft = undefined;
  }

  functions(): InventoryFunction[] {
    this.end();
    return this.sight.functions().map(inventoryFunction);
  }
}

function begun(sbdf: Sbdf, name: string): FunctionDraft {
  const draft = new FunctionDraft(sbdf);
  const numbers = NUMBERS.exec(name);
  const identifiers = numbers?.slice(1) ?? [...name.matchAll(IDENTIFIERS)].at(-1);
  const code = numbers?.[1] ?? CLASS.exec(name)?.[1];
  draft.classCode = code === undefined ? undefined : parseInt(code, 16);
  draft.vendor = identifiers && parseInt(identifiers[1], 16);
  draft.device = identifiers && parseInt(identifiers[2], 16);
  if (!numbers) draft.name = name;
  return draft;
}

type Form = readonly [RegExp, (draft: FunctionDraft, match: RegExpExecArray) => void];

/** Lines of a function before its capabilities. */
const OWN: readonly Form[] = [
  [
    /^Subsystem: (.*)$/,
    (draft, [, text]) => {
      const match = [...text.matchAll(IDENTIFIERS)].at(-1) ?? /^(\w{4}):(\w{4})$/.exec(text);
      if (match) draft.subsystem = { vendor: parseInt(match[1], 16), device: parseInt(match[2], 16) };
    },
  ],
  [
    /^Control: I\/O[+-] Mem([+-])(?:.* DisINTx([+-]))?/,
    (draft, [, memory, intx]) => {
      draft.detailed = true;
      draft.hasRegisters = true;
      draft.decode = memory === '+';
      if (intx) draft.intxDisabled = intx === '+';
    },
  ],
  [
    /^Flags: (.*)$/,
    (draft, [, text]) => {
      draft.detailed = true;
      const irq = /\bIRQ (\d+)/.exec(text);
      const group = /\bIOMMU group (\d+)/.exec(text);
      if (irq) draft.irq = Number(irq[1]);
      if (group) draft.iommuGroup = Number(group[1]);
    },
  ],
  [
    /^Interrupt: pin (\S) (?:routed to IRQ (\d+)|disabled)/,
    (draft, [, pin, irq]) => {
      draft.pin = ' ABCD'.indexOf(pin);
      if (draft.pin < 0) draft.pin = 0;
      if (irq) draft.irq = Number(irq);
    },
  ],
  [
    /^Bus: primary=[0-9a-f]{2}, secondary=([0-9a-f]{2}), subordinate=([0-9a-f]{2})/i,
    (draft, [, secondary, subordinate]) => {
      draft.detailed = true;
      draft.bridge = { secondary: parseInt(secondary, 16), subordinate: parseInt(subordinate, 16) };
    },
  ],
  [
    /^(I\/O|Memory|Prefetchable memory) behind bridge: (?:None\b|(([0-9a-f]+)-([0-9a-f]+))(.*)$)/i,
    (draft, [, space, , start, last, flags]) => {
      draft.windows ??= {};
      // Digits of a line that breaks off are no address.
      if (space === 'I/O' || start === undefined || start.length < 8 || start.length !== last.length) return;
      const prefetchable = space !== 'Memory';
      const window = { start: parseInt(start, 16), end: parseInt(last, 16) + 1, prefetchable };
      if (flags.includes('[disabled]') || window.start === 0 || window.end <= window.start) return;
      draft.windows[prefetchable ? 'prefetchable' : 'memory'] = window;
    },
  ],
];

/** Lines of a function that may stand anywhere. */
const ANYWHERE: readonly Form[] = [
  [
    /^Capabilities: (?:<|\[([0-9a-f]+)(?: v\d+)?\] (.*)$)/i,
    (draft, [, offset, text]) => {
      draft.detailed = true;
      if (offset === undefined) draft.denied = true;
      else capability(draft, parseInt(offset, 16), text);
    },
  ],
  [
    /^IOMMU group: (\d+)$/,
    (draft, [, group]) => {
      draft.iommuGroup = Number(group);
    },
  ],
  [
    /^Kernel driver in use: (\S+)$/,
    (draft, [, driver]) => {
      draft.driver = driver;
    },
  ],
];

/** Details of a capability. */
const DETAILS: Readonly<Partial<Record<Section, readonly Form[]>>> = {
  express: [[/\bFLReset\+/, reset]],
  advancedFeatures: [[/\bFLR\+/, reset]],
  powerManagement: [
    [
      /\bNoSoftRst\+/,
      ({ capabilities }) => {
        capabilities.noSoftReset = true;
      },
    ],
  ],
  msix: [
    [
      /^(Vector table|PBA): BAR=([0-7]) offset=([0-9a-f]{8})\b/i,
      ({ msix }, [, part, bir, offset]) => {
        msix[part === 'PBA' ? 'pba' : 'table'] = { bir: Number(bir), offset: parseInt(offset, 16) };
      },
    ],
  ],
  sriov: [
    [
      /^IOVCtl: Enable([+-])/,
      ({ sriov }, [, enable]) => {
        sriov.enabled = enable === '+';
      },
    ],
    [
      /^Initial VFs: \d+, Total VFs: (\d{1,5}), Number of VFs: (\d{1,5}),/,
      ({ sriov }, [, total, number]) => {
        sriov.totalVfs = Number(total);
        sriov.numVfs = sriov.enabled ? Number(number) : 0;
      },
    ],
    [
      /^VF offset: (\d{1,5}), stride: (\d{1,5}),/,
      ({ sriov }, [, offset, stride]) => {
        sriov.offset = Number(offset);
        sriov.stride = Number(stride);
      },
    ],
    [
      /^Supported Page Size: ([0-9a-f]{8}), System Page Size: ([0-9a-f]{8})\b/i,
      ({ sriov }, [, supported, system]) => {
        sriov.supportedPageSizes = pageSizes(parseInt(supported, 16));
        sriov.systemPageSize = pageSizes(parseInt(system, 16))[0] ?? 4096;
      },
    ],
  ],
};

function reset({ capabilities }: FunctionDraft): void {
  capabilities.functionLevelReset = true;
}

function detail(draft: FunctionDraft, text: string): void {
  const row = hexdumpRow(text);
  if (row) {
    // A row that is missing ends what is known.
    if (row.offset === draft.image.length && row.offset < 4096) draft.image.push(...row.bytes);
    return;
  }
  const { section, unsized } = draft;
  draft.unsized = undefined;
  const size = unsized && listedSize(text);
  if (size !== undefined) {
    unsized?.push({ ...(unsized.pop() as InventoryBar), size });
    return;
  }
  if (section === undefined || section === 'sriov') {
    const bar = listedBar(text);
    if (bar) {
      if (section === 'sriov') addBar(draft, draft.virtualBars, bar);
      else {
        draft.detailed = true;
        if (bar.index === undefined) draft.barsGuessed = true;
        addBar(draft, draft.bars, bar);
      }
      return;
    }
  }
  const forms = section === undefined ? OWN : (DETAILS[section] ?? []);
  if (!applied(ANYWHERE, draft, text)) applied(forms, draft, text);
}

function applied(forms: readonly Form[], draft: FunctionDraft, text: string): boolean {
  for (const [form, apply] of forms) {
    const match = form.exec(text);
    if (!match) continue;
    apply(draft, match);
    return true;
  }
  return false;
}

/** More than a function has are dropped; so many that what is wrong with a list is still seen. */
const BARS = 8;

/** Where no index is printed, that after the BAR before, of which a 64-bit one takes two. */
function addBar(draft: FunctionDraft, bars: InventoryBar[], { index, ...bar }: ListedBar): void {
  const before = bars.findLast(({ type }) => type !== 'rom');
  const next = before ? before.index + (before.type === 'mem64' ? 2 : 1) : 0;
  const at = index ?? next;
  if (bars.length === BARS || (at > 5 && bar.type !== 'rom')) return;
  bars.push({ index: at, ...bar });
  if (bar.size === undefined) draft.unsized = bars;
}

function capability(draft: FunctionDraft, offset: number, text: string): void {
  draft.section = sectionOf(text);
  draft.listed.add(draft.section);
  switch (draft.section) {
    case 'express':
    case 'powerManagement':
    case 'advancedFeatures':
      draft.capabilities[draft.section] = offset;
      break;
    case 'msix': {
      // Versions before 2.2.7 print `Mask` and `TabSize`.
      const match =
        /^MSI-X: Enable([+-])(?: Mask([+-]))? (?:Count|TabSize)=(\d{1,5})\b(?: Masked([+-]))?/.exec(text);
      if (!match) break;
      const [, enable, mask, count, masked] = match;
      Object.assign(draft.msix, {
        enabled: enable === '+',
        masked: (masked ?? mask) === '+',
        count: Number(count),
        capability: offset,
      });
      break;
    }
    default:
      if (text.startsWith('Enhanced Allocation')) draft.capabilities.enhancedAllocation = offset;
      if (/^(?:MSI|Message Signalled Interrupts): .*\bEnable\+/.test(text)) draft.msiEnabled = true;
  }
}

function sectionOf(text: string): Section {
  if (text.startsWith('Express')) return 'express';
  if (text.startsWith('Power Management')) return 'powerManagement';
  if (text.startsWith('PCI Advanced Features')) return 'advancedFeatures';
  if (text.startsWith('MSI-X:')) return 'msix';
  return text.startsWith('Single Root I/O Virtualization') ? 'sriov' : 'other';
}
