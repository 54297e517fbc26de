import type { Message } from './message.js';

/**
 * What is behind a function that has no hardware. Each callback may raise, write the table or deassign the function;
 * what it throws reaches `onError`.
 */
export interface DeviceModel {
  /** A vector interrupts. The message is the table entry's at this moment. */
  send(message: Message, vector: number): void;
  /**
   * The guest reads the pending bits of the vectors `first` to `end - 1`. A model whose interrupts wait elsewhere
   * raises those of them now.
   */
  poll?(first: number, end: number): void;
  /** The vector may be sent from now on, with this message; what is pending is sent next. */
  onVectorUnmasked?(vector: number, message: Message): void;
  /** The vector is masked from now on: by its own bit, by the function mask, or because MSI-X is disabled. */
  onVectorMasked?(vector: number): void;
  /** The function is reset. */
  onReset?(): void;
}

/** What becomes of a raised interrupt. */
export type Raised = 'sent' | 'pending' | 'dropped';

/**
 * The vectors of a function without hardware. A vector that does not exist is no fault, since guests choose vectors
 * for a device's events: it can be neither used nor raised. Every method throws `unknown-function` once the function
 * is deassigned.
 */
export interface Interrupts {
  /**
   * Interrupts: sends the message, or sets the vector's pending bit while it is masked. `dropped`: the vector is not
   * in use. What is pending is sent once, however often it was raised.
   */
  raise(vector: number): Raised;
  /** The event that is pending is over: it is not sent (PCI 3.0 6.8.3.5). */
  clearPending(vector: number): void;
  /**
   * Takes a vector into use; uses are counted, and there are none at first. A guest may program fewer vectors than
   * it was offered. False: there is no such vector.
   */
  use(vector: number): boolean;
  /** Ends a use. With the last one the pending bit is cleared. */
  unuse(vector: number): void;
  /** Takes each vector into use, for models that need not tell which. */
  useAll(): void;
  /** Ends all uses and clears all pending bits. */
  unuseAll(): void;
  /** Its bit in the PBA. */
  pending(vector: number): boolean;
  /** By its own bit, by the function mask, or because MSI-X is disabled. */
  masked(vector: number): boolean;
}
