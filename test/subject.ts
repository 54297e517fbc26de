import type { Width } from '../src/access.js';
import type { Dispatcher, Trap } from '../src/dispatcher.js';
import { TraplineError } from '../src/errors.js';
import type { AssignedFunction, FunctionDescription, TrappedFunction } from '../src/function.js';
import type { GuestMapping } from '../src/host.js';
import type { Policy } from '../src/policy.js';
import { parseSbdf } from '../src/sbdf.js';
import type { ByteRegion } from '../src/vfio/device-region.js';
import { answerBatch, type BatchRecord } from './batch.js';
import type { Engine } from './engines.js';
import { HostError, RecordingHost } from './recording-host.js';
import { recordingRegions } from './recording-regions.js';

/** Something done to a dispatcher or in its world. */
export type Action =
  | { readonly do: 'read'; readonly address: number; readonly width: number }
  | {
      readonly do: 'write';
      readonly address: number;
      readonly width: number;
      readonly low: number;
      readonly high: number;
    }
  /** Records that a ring answers in one call. */
  | { readonly do: 'batch'; readonly records: readonly BatchRecord[] }
  | { readonly do: 'control'; readonly sbdf: number; readonly value: number }
  | { readonly do: 'decode'; readonly sbdf: number; readonly on: boolean }
  | { readonly do: 'move'; readonly sbdf: number; readonly index: number; readonly address: number }
  | { readonly do: 'reset'; readonly sbdf: number }
  | { readonly do: 'assign'; readonly description: FunctionDescription }
  | { readonly do: 'deassign'; readonly sbdf: number }
  /** Places or moves one of the regions of test/regions.ts, or removes it. */
  | { readonly do: 'place'; readonly sbdf: number; readonly region: number; readonly address: number }
  | { readonly do: 'remove'; readonly sbdf: number; readonly region: number }
  | { readonly do: 'mapping'; readonly page: number; readonly works: boolean }
  | { readonly do: 'guest page'; readonly page: number; readonly holds: GuestMapping }
  /** The n-th host call of the next action throws. */
  | { readonly do: 'throw'; readonly call: number };

/** What host pages are: callbacks, memory, or memory of the dispatcher's where the engine has some. */
export const PAGES = ['handlers', 'plain', 'own'] as const;
export type Pages = (typeof PAGES)[number];

const hasPages = (trap: Trap): trap is Trap & Pick<Dispatcher, 'createPage'> => 'createPage' in trap;

/** An engine with a world of its own; everything it answers, does and reports can be compared as text. */
export class Subject {
  readonly host: RecordingHost;
  readonly trap: Trap;
  private readonly functions = new Map<number, TrappedFunction>();
  readonly regions: readonly ByteRegion[];
  private throwAt = 0;

  constructor(
    engine: Engine,
    policy: Policy,
    domain: 'hardware' | 'guest',
    pages: Pages = 'handlers',
    host = new RecordingHost(pages !== 'handlers'),
    trapAll = false,
  ) {
    this.host = host;
    this.regions = recordingRegions(host);
    this.trap = engine.create({
      host: this.host,
      domain,
      policy,
      trapAll,
      diagnosticLimit: 'none',
      onDiagnostic: ({ level, code, sbdf }) => this.host.note(`${level} ${code} ${sbdf}`),
      onError: (error) => this.host.note(`onError: ${(error as Error).message}`),
    });
    const { trap } = this;
    if (pages === 'own' && hasPages(trap)) this.host.createPage = () => trap.createPage();
  }

  /** The answer, and the host calls, diagnostics and errors in their order. */
  act(action: Action): { answer: string; calls: string[] } {
    this.host.take();
    if (action.do === 'throw') {
      this.throwAt = action.call;
      return { answer: '', calls: [] };
    }
    this.host.throwAt = this.throwAt;
    this.throwAt = 0;
    const answer = this.answer(action);
    this.host.throwAt = 0;
    return { answer, calls: this.host.take() };
  }

  /** All that an embedder can see of the functions. */
  state(): string {
    return [...this.functions.values()]
      .map((f) => {
        const vectors = Array.from({ length: f.msix?.count ?? 0 }, (_, index) => f.vector(index));
        const { sbdf, decoding, messageControl, bars } = f;
        const seen = bars.map(({ index, type, address, hostAddress, size, enabled }) => ({
          index,
          type,
          address,
          hostAddress,
          size,
          enabled,
        }));
        const ranges = f.ranges.map(({ region, address, enabled }) => ({
          region: this.regions.indexOf(region),
          address,
          enabled,
        }));
        return JSON.stringify({ sbdf, decoding, messageControl, bars: seen, vectors, ranges });
      })
      .join('\n');
  }

  read(address: number, width: number): string {
    const low = this.trap.read(address, width as Width);
    return width === 8 && low !== -1 ? `${low} ${this.trap.high}` : `${low}`;
  }

  write(address: number, width: number, low: number, high: number): string {
    return `${this.trap.write(address, width as Width, low, high)}`;
  }

  private answer(action: Exclude<Action, { do: 'throw' }>): string {
    switch (action.do) {
      case 'read':
        return this.read(action.address, action.width);
      case 'write':
        return this.write(action.address, action.width, action.low, action.high);
      case 'batch':
        return JSON.stringify(answerBatch(this.trap, action.records));
      case 'assign':
        return this.assign(action.description);
      case 'deassign':
        return this.misuse(() => {
          this.trap.deassign(action.sbdf);
          this.functions.delete(action.sbdf);
        });
      case 'mapping':
        if (action.works) this.host.unmappable.delete(action.page);
        else this.host.unmappable.add(action.page);
        return '';
      case 'guest page':
        this.host.guestPages.set(action.page, action.holds);
        return '';
      default: {
        const f = this.functions.get(action.sbdf);
        if (!f) return 'no function';
        if (action.do === 'place') {
          return this.misuse(() => f.placeRegion(this.regions[action.region], action.address));
        }
        if (action.do === 'remove') return this.misuse(() => f.removeRegion(this.regions[action.region]));
        if (action.do === 'reset') return this.misuse(() => (f as AssignedFunction).reset());
        if (action.do === 'control') return this.misuse(() => f.writeMessageControl(action.value));
        if (action.do === 'decode') return this.misuse(() => f.setDecode(action.on));
        return this.misuse(() => f.moveBar(action.index, action.address));
      }
    }
  }

  private assign(description: FunctionDescription): string {
    return this.misuse(() => {
      this.functions.set(parseSbdf(description.sbdf), this.trap.assign(description));
    });
  }

  private misuse(call: () => unknown): string {
    try {
      return `${call()}`;
    } catch (error) {
      if (error instanceof TraplineError) return `${error.code}, ${error.faults.length} faults`;
      if (error instanceof HostError) return error.message;
      throw error;
    }
  }
}
