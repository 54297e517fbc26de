import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder for the tests of a file, removed when they are through. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes each content to a new file of the folder; returns its path. */
export function fileIn(folder: string): (content: string | Uint8Array) => string {
  let files = 0;
  return (content) => {
    const path = join(folder, `${files++}.txt`);
    writeFileSync(path, content);
    return path;
  };
}
