import type { BarDescription, GuestRegister, MsixLayout } from '../function.js';
import { InputError } from '../input-error.js';
import { isInteger } from '../integer.js';
import { MOST_ENTRIES } from '../msix-layout.js';
import { DOORS, type DoorName } from './doors.js';

/** One line of a scenario file: the input of a step and what came of it. Addresses are numbers here. */
export type Step =
  | {
      readonly op: 'scenario';
      readonly name: string;
      readonly hardware: boolean;
      readonly trapAll: boolean;
      readonly ownPages: boolean;
    }
  | {
      readonly op: 'device';
      readonly id: number;
      readonly bars: readonly ScenarioBar[];
      readonly msix: MsixLayout | undefined;
      readonly registers: readonly GuestRegister[];
    }
  | {
      readonly op: 'read';
      readonly address: number;
      readonly width: number;
      readonly door: DoorName | undefined;
    }
  | {
      readonly op: 'write';
      readonly address: number;
      readonly width: number;
      readonly low: number;
      readonly high: number;
      readonly door: DoorName | undefined;
    }
  | { readonly op: 'control'; readonly id: number; readonly value: number }
  | { readonly op: 'cread'; readonly id: number }
  | { readonly op: 'decode'; readonly id: number; readonly enabled: boolean }
  | { readonly op: 'bar'; readonly id: number; readonly index: number; readonly address: number }
  | { readonly op: 'mapfail'; readonly page: number; readonly fail: boolean }
  | { readonly op: 'remove'; readonly id: number }
  | { readonly op: 'reset'; readonly id: number }
  /** Places or moves a region of so many bytes, one of a number is always as large; or removes it. */
  | {
      readonly op: 'place';
      readonly id: number;
      readonly region: number;
      readonly size: number;
      readonly address: number;
    }
  | { readonly op: 'unplace'; readonly id: number; readonly region: number }
  | {
      readonly op: 'p2m';
      readonly page: number;
      readonly type: GuestPageType;
      /** Frame number; undefined: the page's own. */
      readonly frame: number | undefined;
    };

export interface ScenarioBar extends BarDescription {
  /** Decode changes never alter this BAR's enabled flag. */
  readonly stuck: boolean;
}

export type GuestPageType = 'ram' | 'direct' | 'dm' | 'invalid';

/** A side effect as the file writes it: a kind, then its fields. */
export type Effect = readonly (string | number)[];

/** What a step answers and does. Hexadecimal text as in the file. */
export interface Outcome {
  readonly rc: string;
  readonly data?: string;
  readonly ctl?: string;
  readonly fx: readonly Effect[];
}

export interface Line {
  readonly step: Step;
  /** The step's own fields as written, for messages. */
  readonly input: object;
  readonly expected: Outcome;
}

/** Reads and checks one line. Throws `InputError`. */
export function parseLine(text: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`not JSON: ${(error as Error).message}`);
  }
  const line = new Fields('', value);
  const step = parseStep(line);
  const { rc, data, raw, ctl, crash, fx, ...input } = value as Record<string, unknown>;
  return {
    step,
    input: step.op === 'write' ? { ...input, data } : input,
    expected: parseOutcome(line, step),
  };
}

function parseStep(line: Fields): Step {
  const op = line.text('op');
  switch (op) {
    case 'scenario':
      return {
        op,
        name: line.text('name'),
        hardware: line.flag('hwdom'),
        trapAll: line.optionalFlag('trapall'),
        ownPages: line.optionalFlag('ownpages'),
      };
    case 'device': {
      const msix = line.has('msix') ? parseMsix(line.object('msix')) : undefined;
      const registers = line.has('registers') ? line.list('registers').map(parseRegister) : [];
      return { op, id: line.id(), bars: line.list('bars').map(parseBar), msix, registers };
    }
    case 'read':
      return { op, address: line.hex('addr'), width: line.width(), door: line.door() };
    case 'write': {
      const width = line.width();
      const data = line.bits('data', 8 * width);
      const low = Number(data & 0xffffffffn);
      const high = Number(data >> 32n);
      return { op, address: line.hex('addr'), width, low, high, door: line.door() };
    }
    case 'control':
      return { op, id: line.id(), value: Number(line.bits('value', 16)) };
    case 'cread':
    case 'remove':
    case 'reset':
      return { op, id: line.id() };
    case 'place': {
      const region = line.region();
      return { op, id: line.id(), region, size: line.integer('size', 1, 1 << 20), address: line.hex('addr') };
    }
    case 'unplace':
      return { op, id: line.id(), region: line.region() };
    case 'decode':
      return { op, id: line.id(), enabled: line.flag('enabled') };
    case 'bar':
      return { op, id: line.id(), index: line.integer('index', 0, 6), address: line.hex('addr') };
    case 'mapfail':
      return { op, page: line.page('page'), fail: line.flag('fail') };
    case 'p2m':
      return {
        op,
        page: line.page('page'),
        type: line.oneOf('type', ['ram', 'direct', 'dm', 'invalid']),
        frame: line.has('mfn') ? line.hex('mfn') : undefined,
      };
    default:
      throw new InputError(`unknown op ${JSON.stringify(op)}`);
  }
}

function parseMsix(msix: Fields): MsixLayout {
  return {
    count: msix.integer('count', 1, MOST_ENTRIES),
    table: parseBarOffset(msix.object('table')),
    pba: parseBarOffset(msix.object('pba')),
  };
}

function parseBar(bar: Fields): ScenarioBar {
  return {
    index: bar.integer('index', 0, 6),
    type: bar.oneOf('type', ['mem32', 'mem64', 'io', 'rom']),
    address: bar.hex('addr'),
    size: bar.hex('size'),
    enabled: bar.flag('enabled'),
    stuck: bar.optionalFlag('stuck'),
    ...(bar.has('host') && { hostAddress: bar.hex('host') }),
  };
}

/** Of at most 4 bytes. */
function parseRegister(register: Fields): GuestRegister {
  const width = register.oneOf('len', [1, 2, 4]);
  return {
    space: register.oneOf('space', ['bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5']),
    offset: register.integer('offset', 0, 2 ** 52),
    width,
    value: Number(register.bits('value', 8 * width)),
  };
}

function parseBarOffset(at: Fields): MsixLayout['table'] {
  return { bir: at.integer('bir', 0, 7), offset: at.integer('offset', 0, 0xffffffff) };
}

function parseOutcome(line: Fields, step: Step): Outcome {
  const fx = line.has('fx') ? line.effects('fx') : [];
  return {
    rc: line.text('rc'),
    ...(step.op === 'read' && { data: line.text('data') }),
    ...(line.has('ctl') && { ctl: line.text('ctl') }),
    fx,
  };
}

/** An object of the file, whose fields are checked as they are taken. */
class Fields {
  private readonly path: string;
  private readonly fields: Record<string, unknown>;

  constructor(path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InputError(`${path === '' ? 'the line' : path} is not an object`);
    }
    this.path = path;
    this.fields = value as Record<string, unknown>;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.fields, key);
  }

  text(key: string): string {
    const value = this.fields[key];
    return typeof value === 'string' ? value : this.fault(key, 'is not a string');
  }

  flag(key: string): boolean {
    const value = this.fields[key];
    return typeof value === 'boolean' ? value : this.fault(key, 'is not true or false');
  }

  /** False where it is not there. */
  optionalFlag(key: string): boolean {
    return this.has(key) && this.flag(key);
  }

  integer(key: string, from: number, to: number): number {
    const value = this.fields[key];
    return isInteger(value, from, to) ? value : this.fault(key, `is not an integer from ${from} to ${to}`);
  }

  /** bus << 8 | device << 3 | function */
  id(): number {
    return this.integer('id', 0, 0xffff);
  }

  width(): number {
    const width = this.fields.len;
    return [1, 2, 4, 8].includes(width as number)
      ? (width as number)
      : this.fault('len', 'is not 1, 2, 4 or 8');
  }

  /** Undefined: JavaScript's. */
  door(): DoorName | undefined {
    return this.has('door') ? this.oneOf('door', DOORS) : undefined;
  }

  bits(key: string, width: number): bigint {
    const text = this.text(key);
    const value = /^[0-9a-f]{1,16}$/.test(text)
      ? BigInt(`0x${text}`)
      : this.fault(key, 'is not lower-case hex');
    return value >> BigInt(width) === 0n ? value : this.fault(key, `has more than ${width} bits`);
  }

  /** Addresses of 52 bits are exact; what lies above stays above. */
  hex(key: string): number {
    return Number(this.bits(key, 64));
  }

  page(key: string): number {
    const page = this.hex(key);
    return page % 4096 === 0 ? page : this.fault(key, 'is not the address of a page');
  }

  /** Its number in the scenario. */
  region(): number {
    return this.integer('region', 0, 7);
  }

  oneOf<T extends string | number>(key: string, values: readonly T[]): T {
    const value = this.fields[key] as T;
    return values.includes(value) ? value : this.fault(key, `is not one of ${values.join(', ')}`);
  }

  object(key: string): Fields {
    return new Fields(this.pathOf(key), this.fields[key]);
  }

  list(key: string): Fields[] {
    const value = this.fields[key];
    if (!Array.isArray(value)) return this.fault(key, 'is not a list');
    return value.map((item, index) => new Fields(`${this.pathOf(key)}[${index}]`, item));
  }

  effects(key: string): Effect[] {
    const value = this.fields[key];
    const isEffect = (effect: unknown) =>
      Array.isArray(effect) &&
      typeof effect[0] === 'string' &&
      effect.every((field) => typeof field === 'string' || typeof field === 'number');
    return Array.isArray(value) && value.every(isEffect)
      ? value
      : this.fault(key, 'is not a list of effects');
  }

  private pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  private fault(key: string, what: string): never {
    const value = this.has(key) ? JSON.stringify(this.fields[key]) : '(missing)';
    throw new InputError(`${this.pathOf(key)} ${value.slice(0, 60)} ${what}`);
  }
}
