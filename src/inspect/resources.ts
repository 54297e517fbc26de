import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Resource } from './server.js';
import { PATHS, type Setup } from './setup.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};
const BINARY = 'application/octet-stream';

/** Files on this machine that the page needs. */
export interface PageFiles {
  /** Folder of the built page. */
  readonly page: string;
  /** The bare-metal guest. */
  readonly guest: string;
  /** libv86.mjs and v86.wasm. */
  readonly v86: string;
  readonly wasm: string;
}

/** The files of a Linux guest. */
export interface LinuxFiles {
  readonly kernel: string;
  readonly bios: string;
  readonly initrd?: string;
  readonly vgaBios?: string;
}

/** Where the guest comes from, if it is not the one that comes with Trapline. */
export interface GuestFiles {
  readonly linux?: LinuxFiles;
  /** A file of `encodeState`. */
  readonly state?: string;
}

/** All that the inspector serves, by path: each has a fixed name, whatever the file is called. */
export function resources(
  files: PageFiles,
  setup: Setup,
  { linux, state }: GuestFiles = {},
): ReadonlyMap<string, Resource> {
  const served = new Map<string, Resource>();
  for (const name of readdirSync(files.page)) {
    const type = TYPES[extname(name)];
    if (type) served.set(name === 'index.html' ? '/' : `/${name}`, { type, file: join(files.page, name) });
  }
  served.set(PATHS.setup, { type: 'application/json', text: JSON.stringify(setup) });
  served.set(PATHS.v86, { type: TYPES['.js'], file: files.v86 });
  served.set(PATHS.wasm, { type: 'application/wasm', file: files.wasm });
  if (setup.guest === 'bare-metal') served.set(PATHS.guest, { type: BINARY, file: files.guest });
  const images: readonly (readonly [string, string | undefined])[] = [
    [PATHS.kernel, linux?.kernel],
    [PATHS.bios, linux?.bios],
    [PATHS.initrd, linux?.initrd],
    [PATHS.vgaBios, linux?.vgaBios],
    [PATHS.state, state],
  ];
  for (const [path, file] of images) if (file !== undefined) served.set(path, { type: BINARY, file });
  return served;
}
