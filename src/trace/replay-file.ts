import { Readable } from 'node:stream';
import { InputError } from '../input-error.js';
import type { InventoryFunction } from '../inventory/machine.js';
import { type LineSource, type Progress, readLines } from '../lines.js';
import { type Policy, policies } from '../policy.js';
import type { Sbdf } from '../sbdf.js';
import { type TraceFormat, traceFormat } from './format.js';
import { MmiotraceParser } from './mmiotrace.js';
import { MmiotraceReplay } from './mmiotrace-replay.js';
import { QemuLogParser } from './qemu-log.js';
import { QemuLogReplay } from './qemu-log-replay.js';
import { Replay } from './replay.js';

export interface ReplayOptions {
  /** Default: `policies.strict`. */
  readonly policy?: Policy;
  /** The first bad line ends the replay. */
  readonly strict?: boolean;
  readonly progress?: Progress;
}

export interface ReplayedFile {
  readonly path: string;
  readonly format: TraceFormat;
  readonly policy: Policy;
  readonly replay: Replay;
  readonly badLines: number;
  /** The first of them, a sentence each. */
  readonly bad: readonly string[];
  /** Accesses the tracer could not decode. */
  readonly unknown: number;
  /** What else a reader should know, a sentence each. */
  readonly notes: readonly string[];
  /** Functions whose MSI-X counts as enabled because the inventory says so. */
  readonly assumedEnabled: readonly Sbdf[];
  /** Functions whose BARs and decoding are as the inventory says, because the trace is silent. */
  readonly assumedPlaced: readonly Sbdf[];
}

interface Reader {
  line(bytes: Uint8Array, start: number, end: number): string | undefined;
}

/** Bad lines that are kept. */
const SHOWN = 10;

/** Replays a trace file of either format. Throws `InputError`. */
export async function replayFile(
  path: string,
  inventory: readonly InventoryFunction[],
  options: ReplayOptions = {},
): Promise<ReplayedFile> {
  return replaySource(path, path, await traceFormat(path), inventory, options);
}

/** Replays what `record` wrote, as a file of that name would be. */
export async function replayRecording(
  name: string,
  text: readonly string[],
  inventory: readonly InventoryFunction[],
): Promise<ReplayedFile> {
  const stream = Readable.from(text.map((lines) => Buffer.from(lines)));
  return replaySource(name, { name, stream }, 'mmiotrace', inventory, {});
}

async function replaySource(
  path: string,
  source: LineSource,
  format: TraceFormat,
  inventory: readonly InventoryFunction[],
  options: ReplayOptions,
): Promise<ReplayedFile> {
  const policy = options.policy ?? policies.strict;
  const replay = new Replay(policy);
  const bad: string[] = [];
  let badLines = 0;
  const run: Run = (reader) =>
    readLines(
      source,
      (bytes, start, end, line) => {
        replay.line = line;
        const expected = reader.line(bytes, start, end);
        if (expected === undefined) return;
        const sentence = `${path}:${line}: expected ${expected}`;
        if (options.strict) throw new InputError(sentence);
        if (badLines++ < SHOWN) bad.push(sentence);
      },
      { progress: options.progress },
    );
  const told = await (format === 'mmiotrace'
    ? replayMmiotrace(replay, inventory, run)
    : replayQemuLog(replay, inventory, run, format === 'qemu-log-with-plugin'));
  if (replay.accesses === 0) throw new InputError(`${path}: expected accesses, found none`);
  return { path, format, policy, replay, badLines, bad, ...told };
}

/** What a trace says beside its accesses. */
type Told = Pick<ReplayedFile, 'unknown' | 'notes' | 'assumedEnabled' | 'assumedPlaced'>;

type Run = (reader: Reader) => Promise<unknown>;

async function replayMmiotrace(
  replay: Replay,
  inventory: readonly InventoryFunction[],
  run: Run,
): Promise<Told> {
  const machine = new MmiotraceReplay(replay, inventory);
  await run(new MmiotraceParser(machine));
  machine.start();
  const { unknownLines, lostEvents, notes, assumedEnabled } = machine;
  const lost = lostEvents > 0 ? [`the tracer lost ${lostEvents} events`] : [];
  return { unknown: unknownLines, notes: [...notes, ...lost], assumedEnabled, assumedPlaced: [] };
}

async function replayQemuLog(
  replay: Replay,
  inventory: readonly InventoryFunction[],
  run: Run,
  plugin: boolean,
): Promise<Told> {
  const machine = new QemuLogReplay(replay, inventory);
  await run(new QemuLogParser(machine, plugin));
  const { deviceEvents, notes, assumed } = machine;
  const made = deviceEvents > 0 ? [`${deviceEvents} memory events made by devices left out`] : [];
  return { unknown: 0, notes: [...notes, ...made], assumedEnabled: [], assumedPlaced: assumed };
}
