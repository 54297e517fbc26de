import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkV86 } from '../hosts/v86/signatures.js';
import { InputError } from '../input-error.js';
import { type GuestFiles, type PageFiles, resources } from '../inspect/resources.js';
import { serve } from '../inspect/server.js';
import type { Setup } from '../inspect/setup.js';
import { decodeState } from '../inspect/state-file.js';
import { v86Files } from './v86-package.js';

export const help = `usage: trapline inspect [options]

Serves a page, to this machine only, on which a guest runs in v86 in the browser and
shows what Trapline makes of it: the serial console, maps of the accesses to each byte
of a page, MSI-X tables with masks, pending bits and messages, every access in words,
and buttons that mask vectors, raise them and switch decoding.

  --port N           TCP port; default: any that is free
  --kernel FILE      boots this Linux (bzImage), whose disk is an NVMe controller, in
                     place of the bare-metal guest
  --bios FILE        PC BIOS for it, such as SeaBIOS's bios.bin
  --vga-bios FILE    VGA BIOS; default: none, there is no screen
  --initrd FILE      initial RAM disk
  --append TEXT      kernel command line; default: console=ttyS0
  --memory N         MiB of RAM of the Linux guest; default: 128
  --state FILE       goes on from what the page's button saved, in place of all these
  --help             this text

Needs the package v86 beside this one. Ctrl+C ends it.

  $ trapline inspect --port 8617
  http://127.0.0.1:8617/

Exit status: 0, 2 for bad input.
`;

const MIB = 1 << 20;
const MEMORY = 128;
const MAX_MEMORY = 2048;

/** `trapline inspect`; returns the exit status once it is told to end. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '0' },
      kernel: { type: 'string' },
      bios: { type: 'string' },
      'vga-bios': { type: 'string' },
      initrd: { type: 'string' },
      append: { type: 'string' },
      memory: { type: 'string' },
      state: { type: 'string' },
    },
  });
  const port = integer('--port', values.port, 0, 65535);
  const { setup, ...guest } = values.state === undefined ? bootedGuest(values) : await savedGuest(values);
  const v86 = v86Files();
  checkV86(await readFile(v86.wasm));
  const server = await serve(
    resources({ ...pageFiles(), v86: v86.library, wasm: v86.wasm }, setup, guest),
    port,
  );
  const ended = new Promise<void>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
  });
  process.stdout.write(`${server.url}\n`);
  await ended;
  await server.close();
  return 0;
}

interface GuestOptions {
  readonly kernel?: string;
  readonly bios?: string;
  readonly 'vga-bios'?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly memory?: string;
  readonly state?: string;
}

interface Guest extends GuestFiles {
  readonly setup: Setup;
}

/** The guest that comes with Trapline, or a Linux that is given. */
function bootedGuest({ kernel, ...others }: GuestOptions): Guest {
  const { bios, 'vga-bios': vgaBios, initrd, append, memory } = others;
  if (kernel === undefined) {
    refuseOthers(others, 'it is for a Linux guest: expected --kernel FILE too');
    return { setup: { guest: 'bare-metal' } };
  }
  if (bios === undefined)
    throw new InputError("--kernel: expected --bios FILE too, such as SeaBIOS's bios.bin");
  for (const [option, path] of Object.entries({ kernel, bios, initrd, 'vga-bios': vgaBios })) {
    if (path !== undefined) mustBeFile(`--${option}`, path);
  }
  const setup: Setup = {
    guest: 'linux',
    memory: integer('--memory', memory ?? String(MEMORY), 16, MAX_MEMORY) * MIB,
    commandLine: append ?? 'console=ttyS0',
    initrd: initrd !== undefined,
    vgaBios: vgaBios !== undefined,
  };
  return { setup, linux: { kernel, bios, initrd, vgaBios } };
}

/** The guest of a saved state. */
async function savedGuest({ state = '', ...others }: GuestOptions): Promise<Guest> {
  refuseOthers(others, '--state FILE has all that the guest needs');
  mustBeFile('--state', state);
  try {
    return { setup: { ...decodeState(await readFile(state)).setup, saved: true }, state };
  } catch (error) {
    throw error instanceof TypeError ? new InputError(`--state: ${state}: ${error.message}`) : error;
  }
}

function refuseOthers(options: GuestOptions, why: string): void {
  for (const option of ['kernel', 'bios', 'vga-bios', 'initrd', 'append', 'memory'] as const) {
    if (options[option] !== undefined) throw new InputError(`--${option}: ${why}`);
  }
}

/** In dist/, seen from dist/src/chunks/. */
const pageFiles = (): Pick<PageFiles, 'page' | 'guest'> => ({
  page: fileURLToPath(new URL('../../inspect/', import.meta.url)),
  guest: fileURLToPath(new URL('../guest/guest.elf', import.meta.url)),
});

function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InputError(`${option}: expected an integer from ${least} to ${most}, got ${text}`);
}

function mustBeFile(option: string, path: string): void {
  let isFile = false;
  try {
    isFile = statSync(path).isFile();
  } catch (error) {
    throw new InputError(`${option}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (!isFile) throw new InputError(`${option}: ${path} is not a file`);
}
