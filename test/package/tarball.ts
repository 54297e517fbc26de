import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Packs the built package into a folder; the tarball's path. */
export function packed(folder: string): string {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--silent', '--json', '--pack-destination', folder], { encoding: 'utf8' }),
  ) as [{ filename: string }];
  return join(folder, filename);
}
