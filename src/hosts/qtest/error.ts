/** QEMU refused a command, did not answer, or has ended. */
export class QtestError extends Error {
  /** Tells it from other errors where there are several copies of the class. */
  override readonly name = 'QtestError';
}
