import type { Snapshot } from '../../snapshot.js';

/** What of a `V86` saving and restoring need. */
export interface Emulator {
  /** Whether the guest runs. */
  is_running(): boolean;
  /** Lets it run on. */
  run(): Promise<void>;
  /** Resolves when it has stopped. */
  stop(): Promise<void>;
  /** What v86 knows of the machine. */
  save_state(): Promise<ArrayBuffer>;
  /** Puts that back. */
  restore_state(state: ArrayBuffer): Promise<void>;
}

/** A device model whose state belongs to the machine's. */
export interface SavedModel {
  /** Its state: what structured cloning keeps. */
  save(): unknown;
  /** Puts it into a state that `save` gave. Throws where it is none. */
  restore(state: unknown): void;
}

/** The whole machine at one moment: what v86 saves, and what it does not know of. */
export interface MachineState {
  /** What `save_state` of v86 gave. */
  readonly v86: ArrayBuffer;
  /** What `Dispatcher.save` gave. */
  readonly functions: Snapshot;
  /** CONFIG_ADDRESS. */
  readonly configAddress: number;
  /** By the names given to `attachV86`. */
  readonly models: Readonly<Record<string, unknown>>;
}

/** Runs `work` while the guest does not. */
export async function whileStopped<Result>(emulator: Emulator, work: () => Promise<Result>): Promise<Result> {
  const running = emulator.is_running();
  if (running) await emulator.stop();
  try {
    return await work();
  } finally {
    if (running) await emulator.run();
  }
}
