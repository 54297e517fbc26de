import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODULES } from './debian.js';
import { type Entry, newc } from './newc.js';

/** The guest's root: busybox, `init.sh` and the modules in `/modules`, of the files of `fetchDebian`. */
export function initrd(files: string): Uint8Array {
  const folders = ['bin/', 'dev/', 'proc/', 'sys/', 'modules/'];
  return newc([
    ...folders.map((path): Entry => ({ path, mode: 0o755 })),
    { path: 'init', mode: 0o755, bytes: readFileSync(fileURLToPath(new URL('init.sh', import.meta.url))) },
    { path: 'bin/busybox', mode: 0o755, bytes: readFileSync(join(files, 'busybox')) },
    ...MODULES.map((module): Entry => {
      const name = `${basename(module)}.ko`;
      return { path: `modules/${name}`, mode: 0o644, bytes: readFileSync(join(files, name)) };
    }),
  ]);
}
