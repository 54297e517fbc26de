import { INVALID_DOORBELL_VALUE } from './async-events.js';
import { FEATURES, MAX_QUEUES, POWER_MANAGEMENT, POWER_STATE, WRITE_CACHE } from './features.js';
import { ASYNC_EVENT_LIMIT, ERROR_LOG_ENTRIES } from './identify.js';
import { PAGE } from './prp.js';
import {
  AQA_BITS,
  CC_BITS,
  CSTS_BITS,
  ENABLE,
  FATAL,
  MAX_ADMIN_ENTRIES,
  MAX_ENTRIES,
  READY,
} from './registers.js';

const WORD = 0xffff;
const DWORD = 0xffffffff;
/** The Status Field without the phase (NVMe 1.4, 4.6.1). */
const STATUS = 0x7fff;

/** The controller that a state is for. */
export interface StateOwner {
  readonly serial: string;
  readonly vectors: number;
  readonly blocks: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Why a value is no state of this controller, a sentence for each field. */
export function stateFaults(value: unknown, owner: StateOwner): string[] {
  if (!isFields(value)) return ['restore: the state is not an object'];
  if (value.version !== 1) return [`restore: version ${JSON.stringify(value.version)} is not 1`];
  return new StateCheck(owner).run(value);
}

class StateCheck {
  private readonly faults: string[] = [];
  private readonly owner: StateOwner;

  constructor(owner: StateOwner) {
    this.owner = owner;
  }

  run({ serial, registers, queues, features, events, logPages, namespace }: Fields): string[] {
    const { owner } = this;
    if (serial !== owner.serial) this.fault('serial', serial, `is not ${owner.serial}`);
    this.fields('registers', registers, (fields) => this.registers(fields));
    this.fields('queues', queues, (fields) => this.queues(fields));
    this.fields('features', features, (fields) => this.features(fields));
    this.fields('events', events, (fields) => this.events(fields));
    this.fields('logPages', logPages, (fields) => this.logPages(fields));
    this.fields('namespace', namespace, (fields) => this.namespace(fields));
    if (this.faults.length === 0) this.readiness(registers as Fields, queues as Fields, events as Fields);
    return this.faults;
  }

  private registers({ cc, csts, aqa, interruptMask, bases }: Fields): void {
    this.bits('registers.cc', cc, CC_BITS);
    this.bits('registers.csts', csts, CSTS_BITS);
    this.bits('registers.aqa', aqa, AQA_BITS);
    this.bits('registers.interruptMask', interruptMask, DWORD);
    if (!this.list('registers.bases', bases, 4)) return;
    for (const [index, half] of bases.entries()) {
      this.bits(`registers.bases[${index}]`, half, index % 2 === 0 ? DWORD - (PAGE - 1) : DWORD);
    }
  }

  private queues({ completions, submissions }: Fields): void {
    const feeding = this.ids(completions);
    this.each('queues.completions', completions, MAX_QUEUES + 1, (path, fields) => {
      const { id, phase, vector } = fields;
      this.queue(path, fields);
      this.integer(`${path}.phase`, phase, 0, 1);
      if (vector !== null || id === 0) {
        this.integer(`${path}.vector`, vector, 0, id === 0 ? 0 : this.owner.vectors - 1);
      }
    });
    this.each('queues.submissions', submissions, MAX_QUEUES + 1, (path, fields) => {
      this.queue(path, fields);
      if (!feeding.includes(fields.completions) || (fields.id === 0) !== (fields.completions === 0)) {
        this.fault(`${path}.completions`, fields.completions, 'is not a completion queue for it');
      }
    });
    this.distinct('queues.completions', feeding);
    this.distinct('queues.submissions', this.ids(submissions));
  }

  private queue(path: string, { id, address, size, head, tail }: Fields): void {
    this.integer(`${path}.id`, id, 0, MAX_QUEUES);
    if (!isInteger(address, 0, 2 ** 64) || address % PAGE !== 0) {
      this.fault(`${path}.address`, address, `is not a multiple of ${PAGE} in [0, 2^64]`);
    }
    if (!this.integer(`${path}.size`, size, 2, id === 0 ? MAX_ADMIN_ENTRIES : MAX_ENTRIES)) return;
    this.integer(`${path}.head`, head, 0, size - 1);
    this.integer(`${path}.tail`, tail, 0, size - 1);
  }

  private features({ values, uncoalesced }: Fields): void {
    if (this.list('features.values', values, FEATURES.length)) {
      for (const [index, feature] of FEATURES.entries()) {
        const path = `features.values[${index}]`;
        const pair = values[index];
        if (!this.list(path, pair, 2)) continue;
        if (pair[0] !== feature) this.fault(`${path}[0]`, pair[0], `is not feature ${feature}`);
        if (feature === WRITE_CACHE) this.bits(`${path}[1]`, pair[1], 1);
        else this.bits(`${path}[1]`, pair[1], feature === POWER_MANAGEMENT ? DWORD - POWER_STATE : DWORD);
      }
    }
    this.integers('features.uncoalesced', uncoalesced, this.owner.vectors, this.owner.vectors - 1);
  }

  private events({ held, error, masked }: Fields): void {
    this.integers('events.held', held, ASYNC_EVENT_LIMIT + 1, WORD);
    if (error !== null) this.integer('events.error', error, 0, INVALID_DOORBELL_VALUE);
    if (typeof masked !== 'boolean') this.fault('events.masked', masked, 'is not true or false');
    else if (masked && error !== null) this.fault('events.error', error, 'is not null: errors are masked');
  }

  private logPages({ errors, errorCount }: Fields): void {
    if (!this.count('logPages.errorCount', errorCount)) return;
    if (!this.list('logPages.errors', errors, Math.min(errorCount, ERROR_LOG_ENTRIES + 1))) return;
    this.each('logPages.errors', errors, errors.length, (path, { queue, id, status, namespace }) => {
      this.integer(`${path}.queue`, queue, 0, MAX_QUEUES);
      this.integer(`${path}.id`, id, 0, WORD);
      this.integer(`${path}.status`, status, 1, STATUS);
      this.integer(`${path}.namespace`, namespace, 0, DWORD);
    });
  }

  private namespace({ blocks, ...counts }: Fields): void {
    if (blocks !== this.owner.blocks) {
      this.fault('namespace.blocks', blocks, `is not ${this.owner.blocks}, the storage's`);
    }
    for (const name of ['blocksRead', 'blocksWritten', 'reads', 'writes', 'mediaErrors']) {
      this.count(`namespace.${name}`, counts[name]);
    }
  }

  /** CSTS follows CC.EN, and the admin queues CSTS.RDY; without them there is nothing to hold or tell. */
  private readiness({ cc, csts }: Fields, queues: Fields, { held, error, masked }: Fields): void {
    const enabled = ((cc as number) & ENABLE) !== 0;
    const begun = ((csts as number) & (READY | FATAL)) !== 0;
    const ready = ((csts as number) & READY) !== 0;
    if (enabled !== begun) {
      this.fault('registers.csts', csts, `does not follow from cc ${cc}`);
    }
    for (const name of ['completions', 'submissions']) {
      const ids = this.ids(queues[name]);
      if (ready && !ids.includes(0)) this.fault(`queues.${name}`, ids, 'lacks the admin queue');
      if (!ready && ids.length > 0) this.fault(`queues.${name}`, ids, 'is not empty: nothing is ready');
    }
    if (!ready && ((held as unknown[]).length > 0 || error !== null || masked)) {
      this.fault('events', { held, error, masked }, 'are not as after a reset: nothing is ready');
    }
  }

  private fault(path: string, found: unknown, rule: string): void {
    this.faults.push(`restore: ${path} ${JSON.stringify(found) ?? 'undefined'} ${rule}`);
  }

  private fields(path: string, value: unknown, check: (fields: Fields) => void): void {
    if (isFields(value)) check(value);
    else this.fault(path, value, 'is not an object');
  }

  private list(path: string, value: unknown, length: number): value is readonly unknown[] {
    if (Array.isArray(value) && value.length === length) return true;
    this.fault(path, value, `is not a list of ${length}`);
    return false;
  }

  private each(
    path: string,
    value: unknown,
    most: number,
    check: (path: string, fields: Fields) => void,
  ): void {
    if (!Array.isArray(value) || value.length > most) {
      this.fault(path, value, `is not a list of at most ${most}`);
      return;
    }
    for (const [index, one] of value.entries()) {
      this.fields(`${path}[${index}]`, one, (fields) => check(`${path}[${index}]`, fields));
    }
  }

  private integer(path: string, value: unknown, least: number, most: number): value is number {
    if (isInteger(value, least, most)) return true;
    this.fault(path, value, `is not an integer in [${least}, ${most}]`);
    return false;
  }

  private integers(path: string, value: unknown, length: number, most: number): void {
    if (!Array.isArray(value) || value.length > length || !value.every((one) => isInteger(one, 0, most))) {
      this.fault(path, value, `is not a list of at most ${length} integers in [0, ${most}]`);
    } else this.distinct(path, value);
  }

  private distinct(path: string, values: readonly unknown[]): void {
    if (new Set(values).size < values.length) this.fault(path, values, 'has one twice');
  }

  private count(path: string, value: unknown): value is number {
    return this.integer(path, value, 0, Number.MAX_SAFE_INTEGER);
  }

  private bits(path: string, value: unknown, mask: number): void {
    if (isInteger(value, 0, DWORD) && (value & ~mask) === 0) return;
    this.fault(path, value, `is not within 0x${mask.toString(16)}`);
  }

  private ids(queues: unknown): unknown[] {
    return Array.isArray(queues) ? queues.filter(isFields).map(({ id }) => id) : [];
  }
}

const isInteger = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
