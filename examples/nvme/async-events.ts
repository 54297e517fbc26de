import { ASYNC_EVENT_LIMIT } from './identify.js';
import { ERROR_INFORMATION } from './log-pages.js';

/** Asynchronous events of type Error (NVMe 1.4, figure 147). */
export const INVALID_DOORBELL = 0;
export const INVALID_DOORBELL_VALUE = 1;

export interface AsyncEventsState {
  /** Ids of the commands held, the oldest first. */
  readonly held: readonly number[];
  /** The error that is not told yet. */
  readonly error: number | null;
  /** Errors are not told until the guest reads the error log. */
  readonly masked: boolean;
}

/**
 * Asynchronous Event Requests, held until there is something to tell (NVMe 1.4, 5.2). Once told, errors are not told
 * again until the guest reads the error log.
 */
export class AsyncEvents {
  /** Ids of the commands held. */
  private held: number[] = [];
  /** The first error that is not told yet. */
  private error: number | undefined;
  private masked = false;

  save(): AsyncEventsState {
    return { held: [...this.held], error: this.error ?? null, masked: this.masked };
  }

  restore({ held, error, masked }: AsyncEventsState): void {
    this.held = [...held];
    this.error = error ?? undefined;
    this.masked = masked;
  }

  get full(): boolean {
    return this.held.length > ASYNC_EVENT_LIMIT;
  }

  holds(id: number): boolean {
    return this.held.includes(id);
  }

  hold(id: number): void {
    this.held.push(id);
  }

  /** Abort: the command is not held any more. */
  release(id: number): void {
    this.held = this.held.filter((other) => other !== id);
  }

  raise(error: number): void {
    if (!this.masked) this.error ??= error;
  }

  /** The guest read a log page and did not retain its event. */
  unmask(page: number): void {
    if (page === ERROR_INFORMATION) this.masked = false;
  }

  /** A command to complete now, with dword 0 of its completion. */
  next(): { readonly id: number; readonly result: number } | undefined {
    if (this.error === undefined || this.held.length === 0) return undefined;
    const result = (ERROR_INFORMATION << 16) | (this.error << 8);
    this.error = undefined;
    this.masked = true;
    return { id: this.held.shift() as number, result };
  }

  reset(): void {
    this.held = [];
    this.error = undefined;
    this.masked = false;
  }
}
