import { writeFile } from 'node:fs/promises';
import { InputError } from '../input-error.js';

/** Writes the file that an option asks for. Throws `InputError`. */
export async function writeOutput(option: string, path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${option}: cannot write ${path}: ${error.code}`);
  });
}
