import type { Snapshot } from '../../snapshot.js';

/** What of a `V86` saving and restoring need. */
export interface Emulator {
  is_running(): boolean;
  run(): Promise<void>;
  stop(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
}

/** A device model whose state belongs to the machine's. */
export interface SavedModel {
  save(): unknown;
  restore(state: unknown): void;
}

/** The whole machine at one moment: what v86 saves, and what it does not know of. */
export interface MachineState {
  readonly v86: ArrayBuffer;
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
