import { parseArgs } from 'node:util';
import { hex } from '../hexadecimal.js';
import { InputError } from '../input-error.js';
import {
  ADDRESS_LIMIT,
  FOUR_GIB,
  GIB,
  KIB,
  MIB,
  type NamedRange,
  rangeText,
} from '../regions/address-range.js';
import { decodeGraphicsControl } from '../regions/graphics-control.js';
import {
  atLeast,
  type GraphicsGeneration,
  graphicsGeneration,
  graphicsGenerations,
} from '../regions/graphics-generation.js';
import { iommuBypass } from '../regions/iommu-bypass.js';
import { decodeStolenBase, stolenLimit } from '../regions/stolen-base.js';
import { planStolenMemory, type StolenPlan } from '../regions/stolen-memory.js';
import { type StolenRegister, stolenRegisters } from '../regions/stolen-registers.js';
import { formatSbdf } from '../sbdf.js';

export const help = `usage: trapline stolen --device ID --ggc N --bdsm N --ram SIZE [options]

Plans a guest's copy of Intel graphics' stolen memory, at the host's address: what
backs it, the E820 table, the IOMMU's map, and the registers that must agree.

  --device ID        PCI device id of the graphics, such as 0x3e92
  --generation NAME  instead of --device: i830 .. gen12, cherryview, meteorlake
  --ggc N            graphics control register: configuration space 0x50, 2 bytes
                     (before gen6: of the host bridge, at 0x52)
  --bdsm N           base register: 0x5c, 4 bytes; from gen11 on 0xc0, 8 bytes
  --drb3 N --esmramc N --toud N
                     instead of --bdsm on i830 .. i865
  --ram SIZE         the guest's RAM below 4 GiB, from 0 up
  --high-ram SIZE    its RAM from 4 GiB up; default 0
  --base N           what you think the base is: refused unless the device agrees
  --limit N          addresses must stay below; default what the base register holds
  --reserve A-B      firmware reserves these bytes, B not included; may be repeated
  --mmio A-B         devices answer there: PCI hole, ECAM; may be repeated
  --sbdf SBDF        the graphics function in the guest; default 0000:00:02.0
  --trap             trap the guest's accesses to the range; default: map it
  --json             one JSON object on standard output, nothing else
  --help             this text

Numbers are decimal, or hexadecimal with 0x; K, M, G after one multiply it.

  $ trapline stolen --device 0x3e92 --ggc 0x02c0 --bdsm 0x7c000001 --ram 3G
  gen9: 64 MiB of stolen memory at 0x7c000000-0x80000000
  case A: within RAM; 64 MiB of RAM lost, 0 MiB to allocate
  backing
    0x7c000000-0x80000000  ram
  E820
    0x0-0x7c000000  ram
    0x7c000000-0x80000000  reserved
    0x80000000-0xc0000000  ram
  IOMMU
    0x7c000000-0x80000000  to the guest's memory at 0x7c000000
    0x7c000000-0x80000000  RMRR of 0000:00:02.0, for a guest with a virtual IOMMU
  guest accesses
    0x7c000000-0x80000000  mapped
    0x7b800000-0x7c000000  the host's GTT: never map it, a CPU access freezes the machine
  registers that the guest must read
    config 0x50, 2 bytes  GGC = 0x2c0
    config 0x5c, 4 bytes  BDSM = 0x7c000001
    bar0 0x108040, 2 bytes  GGC = 0x2c0
    bar0 0x1080c0, 4 bytes  BDSM = 0x7c000001
    bar0 0x1082c0, 4 bytes  STOLEN_RESERVED = the hardware's
  past the IOMMU: GuC; firmware-reserved top (WOPCM, STOLEN_RESERVED); RC6 power context (RC6_CTX_BASE)
    zero the host's stolen memory before the guest opens the device and after it releases it

Exit status: 0, 2 for bad input, and for memory that leaves no place.
`;

/** Options that take a number. */
const NUMBERS = {
  device: { type: 'string' },
  ggc: { type: 'string' },
  bdsm: { type: 'string' },
  drb3: { type: 'string' },
  esmramc: { type: 'string' },
  toud: { type: 'string' },
  ram: { type: 'string' },
  'high-ram': { type: 'string' },
  base: { type: 'string' },
  limit: { type: 'string' },
} as const;

/** What one of them gives. */
type Given = (name: keyof typeof NUMBERS) => number | undefined;

/** `trapline stolen`; returns the exit status. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...NUMBERS,
      generation: { type: 'string' },
      reserve: { type: 'string', multiple: true, default: [] },
      mmio: { type: 'string', multiple: true, default: [] },
      sbdf: { type: 'string' },
      trap: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const given: Given = (name) => {
    const text = values[name];
    return text === undefined ? undefined : number(`--${name}`, text);
  };
  const generation = generationOf(values.generation, given('device'));
  const [ggc, low] = [given('ggc'), given('ram')];
  if (ggc === undefined) throw new InputError('expected --ggc N, the graphics control register');
  if (low === undefined) throw new InputError("expected --ram SIZE, the guest's RAM below 4 GiB");
  const control = decodeGraphicsControl(generation, ggc);
  const base = baseOf(generation, control.size, given);
  // Without a base register the range is behind BAR 2: nothing to place.
  const expected = given('base');
  if (base === undefined && expected !== undefined) {
    throw new InputError(`--base: ${generation} has no base register to compare it with`);
  }
  const plan = planStolenMemory({
    base: base ?? 0,
    size: base === undefined ? 0 : control.size,
    gttSize: control.gttSize,
    ram: { low, high: given('high-ram') },
    reserved: values.reserve.map((text) => range('--reserve', text)),
    mmio: values.mmio.map((text) => range('--mmio', text)),
    limit: Math.min(given('limit') ?? ADDRESS_LIMIT, stolenLimit(generation)),
    expected: { base: expected },
    trapped: values.trap,
    sbdf: values.sbdf,
  });
  const registers = stolenRegisters(generation, {
    graphicsControl: ggc,
    base: base ?? 0,
    bdsm: given('bdsm'),
  });
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ generation, control, ...plan, registers, iommuBypass })}\n`
      : `${planLines(generation, control.warning, plan, registers).join('\n')}\n`,
  );
  return 0;
}

/** Undefined: the generation has no base register. */
function baseOf(generation: GraphicsGeneration, size: number, given: Given): number | undefined {
  const bdsm = given('bdsm');
  const wide = atLeast(generation, 'gen11');
  if (generation !== 'meteorlake' && atLeast(generation, 'gen3') && bdsm === undefined) {
    throw new InputError('expected --bdsm N, the base register');
  }
  return decodeStolenBase(generation, {
    bdsm: wide && bdsm !== undefined ? bdsm % FOUR_GIB : bdsm,
    bdsmHigh: Math.floor((bdsm ?? 0) / FOUR_GIB),
    drb3: given('drb3'),
    esmramc: given('esmramc'),
    toud: given('toud'),
    size,
  });
}

function generationOf(name: string | undefined, device: number | undefined): GraphicsGeneration {
  if ((name === undefined) === (device === undefined)) {
    throw new InputError('expected either --device ID or --generation NAME');
  }
  if (device !== undefined) {
    const generation = graphicsGeneration(device);
    if (generation) return generation;
    throw new InputError(`--device: ${hex(device)} is not known; say what it is by --generation NAME`);
  }
  const generation = graphicsGenerations.find((known) => known === name);
  if (generation) return generation;
  throw new InputError(`--generation: expected ${graphicsGenerations.join(', ')}, got ${name}`);
}

const UNITS: { readonly [letter: string]: number } = { '': 1, K: KIB, M: MIB, G: GIB };

function number(option: string, text: string): number {
  const match = /^(0x[0-9a-f]+|[0-9]+)([KMG]?)$/i.exec(text);
  const value = match ? Number(match[1]) * UNITS[match[2].toUpperCase()] : Number.NaN;
  if (value <= ADDRESS_LIMIT) return value;
  throw new InputError(`${option}: expected a number up to 2^52 (0x for hexadecimal; K, M, G), got ${text}`);
}

function range(option: string, text: string): NamedRange {
  const [start, end, ...rest] = text.split('-');
  if (end === undefined || rest.length > 0) throw new InputError(`${option}: expected A-B, got ${text}`);
  return { name: option, start: number(option, start), end: number(option, end) };
}

const CASES = { A: 'within RAM', B: 'across the end of RAM', C: 'outside RAM' };

function planLines(
  generation: GraphicsGeneration,
  warning: string | undefined,
  plan: StolenPlan,
  registers: readonly StolenRegister[],
): string[] {
  const warnings = warning === undefined ? [] : [`warning: ${warning}`];
  const { range: place, reservedRegion, hostGtt } = plan;
  const e820 = ['E820', ...plan.e820.map((entry) => `  ${rangeText(entry)}  ${entry.type}`)];
  const shown = ['registers that the guest must read', ...registers.map(registerLine)];
  if (plan.case === 'none' || !place || !reservedRegion) {
    const why =
      generation === 'meteorlake'
        ? 'stolen memory has no base register and is reached through BAR 2'
        : 'no stolen memory';
    return [...warnings, `${generation}: ${why}: nothing to plan`, ...e820, ...shown];
  }
  const size = mebibytes(place.end - place.start);
  return [
    ...warnings,
    `${generation}: ${size} of stolen memory at ${rangeText(place)}`,
    `case ${plan.case}: ${CASES[plan.case]}; ${mebibytes(plan.wasted)} of RAM lost, ${mebibytes(plan.allocated)} to allocate`,
    'backing',
    ...plan.backing.map((part) => `  ${rangeText(part)}  ${part.source}`),
    ...e820,
    'IOMMU',
    ...plan.iova.map(
      ({ iova, guest, size }) =>
        `  ${rangeText({ start: iova, end: iova + size })}  to the guest's memory at ${hex(guest)}`,
    ),
    `  ${rangeText(reservedRegion)}  RMRR of ${formatSbdf(reservedRegion.sbdf)}, for a guest with a virtual IOMMU`,
    ...(atLeast(generation, 'gen8') ? [] : ['  before gen8 i915 leaves stolen memory alone under a VT-d']),
    'guest accesses',
    ...plan.mapped.map((part) => `  ${rangeText(part)}  mapped`),
    ...plan.trapped.map((part) => `  ${rangeText(part)}  trapped`),
    ...(hostGtt
      ? [`  ${rangeText(hostGtt)}  the host's GTT: never map it, a CPU access freezes the machine`]
      : []),
    ...shown,
    `past the IOMMU: ${iommuBypass.map(({ block }) => block).join('; ')}`,
    "  zero the host's stolen memory before the guest opens the device and after it releases it",
  ];
}

function registerLine({ name, space, offset, width, value }: StolenRegister): string {
  const read = value === 'hardware' ? "the hardware's" : hex(value);
  return `  ${space} ${hex(offset)}, ${width} bytes  ${name} = ${read}`;
}

const mebibytes = (bytes: number): string => `${bytes / MIB} MiB`;
