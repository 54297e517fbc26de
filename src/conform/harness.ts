import { PAGE_SIZE, UNCLAIMED, type Width } from '../access.js';
import type { Diagnostic } from '../diagnostics.js';
import { Dispatcher, type DispatcherOptions, type Trap } from '../dispatcher.js';
import { TraplineError } from '../errors.js';
import type { TrappedFunction } from '../function.js';
import { digits } from '../hexadecimal.js';
import type { Bar, GuestMapping, Host, HostPage, PageHandler, Vector } from '../host.js';
import { InputError } from '../input-error.js';
import type { OwnPage } from '../memory/own-pages.js';
import type { Policy } from '../policy.js';
import type { Sbdf } from '../sbdf.js';
import { BackingMemory } from './backing-memory.js';
import { type Door, type DoorName, openDoors } from './doors.js';
import { GuestControl } from './guest-control.js';
import type { Effect, GuestPageType, Outcome, Step } from './scenario.js';
import { ScenarioRegion } from './scenario-region.js';

export type CreateTrap = (options: DispatcherOptions) => Trap;

/** Runs scenarios through a dispatcher, whose host backs pages with the format's memory and records every effect. */
export class Harness {
  private readonly create: CreateTrap;
  private readonly policy: Policy;
  private scenario: Scenario | undefined;

  constructor(create: CreateTrap, policy: Policy) {
    this.create = create;
    this.policy = policy;
  }

  /** Throws `InputError` for a step that cannot be run. */
  run(step: Step): Outcome {
    if (step.op === 'scenario') {
      this.scenario = new Scenario(this.create, this.policy, step);
      return { rc: 'okay', fx: [] };
    }
    if (!this.scenario) throw new InputError(`op ${step.op} before the first scenario`);
    return this.scenario.run(step);
  }
}

class Scenario {
  private readonly host = new ScenarioHost();
  private readonly trap: Trap;
  private readonly functions = new Map<number, TrappedFunction>();
  private readonly errors: unknown[] = [];
  private readonly regions = new Map<number, ScenarioRegion>();
  private doors: Readonly<Record<DoorName, Door>> | undefined;

  constructor(
    create: CreateTrap,
    policy: Policy,
    { hardware, trapAll, ownPages }: Extract<Step, { op: 'scenario' }>,
  ) {
    this.trap = made(create, {
      host: this.host,
      domain: hardware ? 'hardware' : 'guest',
      policy,
      trapAll,
      diagnosticLimit: 'none',
      onDiagnostic: (diagnostic) => this.host.log(diagnostic),
      onError: (error) => this.errors.push(error),
    });
    const { trap } = this;
    if (ownPages) {
      this.host.createPage = () =>
        trap instanceof Dispatcher ? trap.createPage() : { bytes: new Uint8Array(PAGE_SIZE) };
    }
  }

  run(step: Exclude<Step, { op: 'scenario' }>): Outcome {
    const answer = this.answer(step);
    // The host below never throws on purpose.
    if (this.errors.length > 0) throw this.errors[0];
    return { ...answer, fx: this.host.takeEffects() };
  }

  private answer(step: Exclude<Step, { op: 'scenario' }>): Omit<Outcome, 'fx'> {
    switch (step.op) {
      case 'read':
        return read(this.door(step.door), step.address, step.width as Width);
      case 'write': {
        const claimed = this.door(step.door).write(step.address, step.width as Width, step.low, step.high);
        return { rc: claimed ? 'okay' : 'retry' };
      }
      case 'device':
        return { rc: this.addDevice(step) };
      case 'mapfail':
        this.host.setMapFailure(step.page, step.fail);
        return { rc: 'okay' };
      case 'p2m':
        this.host.setGuestPage(step.page, step.type, step.frame);
        return { rc: 'okay' };
      default: {
        const fn = this.functions.get(step.id);
        return fn ? this.configure(step, fn) : { rc: 'nodev' };
      }
    }
  }

  /** An engine without doors answers itself. */
  private door(name: DoorName | undefined): Door {
    const { trap } = this;
    if (name === undefined || !(trap instanceof Dispatcher)) return trap;
    this.doors ??= openDoors(trap);
    return this.doors[name];
  }

  private addDevice({ id, bars, msix, registers }: Extract<Step, { op: 'device' }>): string {
    if (this.functions.has(id)) throw new InputError(`device ${id} is there already`);
    this.host.keepBars(
      id,
      bars.filter(({ stuck }) => stuck).map(({ index }) => index),
    );
    try {
      const fn = this.trap.assign({ sbdf: id, bars, registers, ...(msix && { msix }) });
      this.functions.set(id, fn);
      this.host.add(fn);
      return 'okay';
    } catch (error) {
      if (!(error instanceof TraplineError)) throw error;
      if (error.code === 'bad-msix-capability') return 'nodev';
      throw new InputError(error.message);
    }
  }

  /** A region is made where the scenario first places it. */
  private place(
    { region: number, size, address }: Extract<Step, { op: 'place' }>,
    fn: TrappedFunction,
  ): string {
    const region = this.regions.get(number) ?? new ScenarioRegion(number, size, (fx) => this.host.note(fx));
    if (region.size !== size) throw new InputError(`region ${number} has ${region.size} bytes, not ${size}`);
    this.regions.set(number, region);
    try {
      fn.placeRegion(region, address);
      return 'okay';
    } catch (error) {
      if (!(error instanceof TraplineError)) throw error;
      if (error.code === 'overlap') return 'overlap';
      throw new InputError(error.message);
    }
  }

  private unplace(number: number, fn: TrappedFunction): string {
    const region = this.regions.get(number);
    return region && fn.removeRegion(region) ? 'okay' : 'noop';
  }

  private configure(step: FunctionStep, fn: TrappedFunction): Omit<Outcome, 'fx'> {
    const guest = new GuestControl(fn);
    switch (step.op) {
      case 'control':
        return { rc: 'okay', ctl: padded(guest.control(step.value), 2) };
      case 'cread':
        return { rc: 'okay', ctl: padded(guest.readControl(), 2) };
      case 'decode':
        return { rc: guest.decode(step.enabled) };
      case 'bar':
        // An empty BAR is never enabled, and nothing lies in it.
        if (!fn.bars.some((bar) => bar.index === step.index)) return { rc: 'okay' };
        return { rc: guest.moveBar(step.index, step.address) ? 'okay' : 'ignored' };
      case 'reset':
        return { rc: guest.reset() ? 'okay' : 'fail' };
      case 'place':
        return { rc: this.place(step, fn) };
      case 'unplace':
        return { rc: this.unplace(step.region, fn) };
      case 'remove':
        this.trap.deassign(step.id);
        this.functions.delete(step.id);
        return { rc: 'okay' };
    }
  }
}

type FunctionStep = Exclude<Step, { op: 'scenario' | 'device' | 'read' | 'write' | 'mapfail' | 'p2m' }>;

class ScenarioHost implements Host {
  private effects: Effect[] = [];
  private readonly memory = new BackingMemory();
  /** Where pages that are memory come from; undefined: accesses are effects. */
  createPage: (() => Pick<OwnPage, 'bytes'>) | undefined;
  private readonly memoryPages = new Map<number, Pick<OwnPage, 'bytes'>>();
  private readonly unmappable = new Set<number>();
  private readonly guestPages = new Map<number, GuestMapping>();
  private readonly kept = new Map<Sbdf, readonly number[]>();
  private readonly functions = new Map<Sbdf, TrappedFunction>();

  takeEffects(): Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  /** `stuck`: decode changes never alter these BARs' enabled flag. */
  keepBars(sbdf: Sbdf, indices: readonly number[]): void {
    this.kept.set(sbdf, indices);
  }

  add(fn: TrappedFunction): void {
    this.functions.set(fn.sbdf, fn);
  }

  setMapFailure(page: number, fail: boolean): void {
    if (fail) this.unmappable.add(page);
    else this.unmappable.delete(page);
  }

  setGuestPage(page: number, type: GuestPageType, frame = page / PAGE_SIZE): void {
    const identity = type === 'direct' && frame === page / PAGE_SIZE;
    const empty = type === 'dm' || type === 'invalid';
    this.guestPages.set(page, empty ? 'none' : identity ? 'identity' : 'other');
  }

  note(effect: Effect): void {
    this.effects.push(effect);
  }

  log({ level, sbdf, code }: Diagnostic): void {
    this.effects.push(['log', level[0].toUpperCase(), sbdf, code]);
  }

  mapPage(address: number): HostPage | null {
    const failed = this.unmappable.has(address);
    this.effects.push([failed ? 'mapfail' : 'map', bareHex(address)]);
    if (failed) return null;
    return this.createPage ? this.memoryPage(address, this.createPage) : this.page(address);
  }

  unmapPage(address: number): void {
    this.effects.push(['unmap', bareHex(address)]);
  }

  guestMapping(address: number): GuestMapping {
    return this.guestPages.get(address) ?? 'none';
  }

  removeGuestMapping(address: number): void {
    this.guestPages.set(address, 'none');
    this.effects.push(['p2mrm', bareHex(address)]);
  }

  mayMapBar(sbdf: Sbdf, bar: Bar): boolean {
    return !this.kept.get(sbdf)?.includes(bar.index);
  }

  writeConfig(sbdf: Sbdf, register: number, value: number): void {
    this.effects.push(['cfg', sbdf, register, padded(value, 2)]);
  }

  reset(sbdf: Sbdf): boolean {
    this.effects.push(['reset', sbdf]);
    return true;
  }

  disableIntx(sbdf: Sbdf): void {
    this.effects.push(['intx', sbdf, 0]);
  }

  armVector(sbdf: Sbdf, vector: Vector): void {
    this.effects.push(['en', ...entry(sbdf, vector), bareHex(this.tableBarAddress(sbdf))]);
  }

  disarmVector(sbdf: Sbdf, vector: Vector): void {
    if (vector.armed) this.effects.push(['dis', ...entry(sbdf, vector)]);
    else this.notArmed(sbdf, vector.index);
  }

  maskVector(sbdf: Sbdf, vector: Vector): void {
    this.effects.push(['mask', ...entry(sbdf, vector), vector.armed ? 1 : 0]);
  }

  /** Runs of consecutive entries are one effect. */
  private notArmed(sbdf: Sbdf, index: number): void {
    const last = this.effects.at(-1);
    if (last?.[0] === 'noent' && last[1] === sbdf && last[3] === index - 1) {
      this.effects[this.effects.length - 1] = ['noent', sbdf, last[2], index];
    } else {
      this.effects.push(['noent', sbdf, index, index]);
    }
  }

  private tableBarAddress(sbdf: Sbdf): number {
    const fn = this.functions.get(sbdf);
    return fn?.bars.find(({ index }) => index === fn.msix?.table.bir)?.address ?? 0;
  }

  private memoryPage(address: number, create: () => Pick<OwnPage, 'bytes'>): Uint8Array {
    const known = this.memoryPages.get(address);
    if (known) return known.bytes;
    const page = create();
    const { bytes } = page;
    const view = new DataView(bytes.buffer, bytes.byteOffset, PAGE_SIZE);
    for (let at = 0; at < PAGE_SIZE; at += 4) view.setUint32(at, this.memory.read(address + at, 4), true);
    this.memoryPages.set(address, page);
    return bytes;
  }

  private page(address: number): PageHandler {
    return {
      read: (offset, width, high) => {
        const at = address + offset;
        const low = this.memory.read(at, Math.min(width, 4));
        if (width === 8) high[0] = this.memory.read(at + 4, 4);
        const value = width === 8 ? padded(high[0], 4) + padded(low, 4) : padded(low, width);
        this.effects.push(['rd', bareHex(address), offset, width, value]);
        return low;
      },
      write: (offset, width, low, high) => {
        const at = address + offset;
        this.memory.write(at, Math.min(width, 4), low);
        if (width === 8) this.memory.write(at + 4, 4, high);
        const value = width === 8 ? padded(high, 4) + padded(low, 4) : padded(low, width);
        this.effects.push(['wr', bareHex(address), offset, width, value]);
      },
    };
  }
}

function read(door: Door, address: number, width: Width): Omit<Outcome, 'fx'> {
  const low = door.read(address, width);
  if (low === UNCLAIMED) return { rc: 'retry', data: 'f'.repeat(2 * width) };
  const data = width === 8 ? padded(door.high, 4) + padded(low, 4) : padded(low, width);
  return { rc: 'okay', data };
}

/** Throws `InputError` for what cannot be, as all pages trapping under a policy of Xen's. */
function made(create: CreateTrap, options: DispatcherOptions): Trap {
  try {
    return create(options);
  } catch (error) {
    throw error instanceof TraplineError ? new InputError(error.message) : error;
  }
}

const bareHex = (value: number): string => value.toString(16);

/** `width` bytes of an unsigned lane. */
const padded = (value: number, width: number): string => digits(value >>> 0, 2 * width);

function entry(sbdf: Sbdf, vector: Vector): Effect {
  const address = (BigInt(vector.addressHigh >>> 0) << 32n) | BigInt(vector.addressLow >>> 0);
  return [sbdf, vector.index, address.toString(16), bareHex(vector.data >>> 0), vector.masked ? 1 : 0];
}
