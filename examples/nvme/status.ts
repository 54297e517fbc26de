/** Do Not Retry: the same command would fail again (NVMe 1.4, figure 125). */
const DNR = 1 << 14;
const generic = (code: number) => code | DNR;
const specific = (code: number) => (1 << 8) | code | DNR;
const media = (code: number) => (2 << 8) | code;

/** Status codes with their type, as the Status Field of a completion has them (NVMe 1.4, 4.6.1). */
export const status = {
  success: 0,
  invalidOpcode: generic(0x01),
  invalidField: generic(0x02),
  commandIdConflict: generic(0x03),
  dataTransferError: 0x04,
  internalError: 0x06,
  abortRequested: 0x07,
  invalidNamespace: generic(0x0b),
  commandSequenceError: generic(0x0c),
  invalidPrpOffset: generic(0x13),
  lbaOutOfRange: generic(0x80),
  completionQueueInvalid: specific(0x00),
  invalidQueueIdentifier: specific(0x01),
  invalidQueueSize: specific(0x02),
  asyncEventLimitExceeded: specific(0x05),
  invalidInterruptVector: specific(0x08),
  invalidLogPage: specific(0x09),
  invalidQueueDeletion: specific(0x0c),
  featureNotSaveable: specific(0x0d),
  writeFault: media(0x80),
  unrecoveredReadError: media(0x81),
} as const;

/** Ends a command with a status; the controller catches it where it posts the completion. */
export class Failed {
  readonly status: number;

  constructor(status: number) {
    this.status = status;
  }
}
