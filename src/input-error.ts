/** A file or argument that the program was given cannot be used. Ends in one line on stderr and exit status 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
}
