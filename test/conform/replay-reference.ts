import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { conformFiles } from '../../src/conform/report.js';
import { createReference } from '../reference/reference.js';

/** Replays the scenario files of folders through the reference. */
export function replayReference(folders: string[]): Promise<number> {
  const files = folders
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => /\.jsonl(\.gz)?$/.test(path));
  return conformFiles(files, undefined, createReference, {
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
  });
}
