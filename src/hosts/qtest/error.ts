/** QEMU refused a command, did not answer, or has ended. */
export class QtestError extends Error {
  override readonly name = 'QtestError';
}
