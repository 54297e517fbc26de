#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { TraplineError } from '../errors.js';
import { InputError } from '../input-error.js';

interface Command {
  readonly help: string;
  /** Returns the exit status. */
  run(args: string[]): Promise<number>;
}

/** Loaded when asked for. */
const COMMANDS: { readonly [name: string]: () => Promise<Command> } = {
  boot: () => import('./boot.js'),
  replay: () => import('./replay.js'),
  conform: () => import('./conform.js'),
  explain: () => import('./explain.js'),
  inspect: () => import('./inspect.js'),
  audit: () => import('./audit.js'),
  opregion: () => import('./opregion.js'),
  stolen: () => import('./stolen.js'),
};

const HELP = `usage: trapline COMMAND ...

Says what becomes of a guest's trapped MMIO accesses, and which PCI functions can be
passed through.

  boot               run a guest in v86 and show what it accessed
  replay FILE...     run a recorded trace of a driver through the dispatcher
  conform FILE...    compare the dispatcher with recorded scenarios
  explain ACCESS...  say what an access touches and what becomes of it
  inspect            watch a guest in v86 in the browser: page maps, MSI-X tables, accesses
  audit [FILE...]    say which PCI functions can be passed through safely
  opregion FILE      decode a dump of an Intel OpRegion and say what is wrong with it
  stolen             plan a guest's copy of Intel graphics' stolen memory
  --version          print the version
  --help             this text; after a command, more of that

Exit status: 0 as expected, 1 differences, 2 bad input.
`;

async function main([name, ...args]: string[]): Promise<number> {
  if (name !== undefined && isHelp(name)) return print(HELP);
  if (name === '--version') return print(`${version()}\n`);
  if (name === undefined) return refuse('trapline: expected a command; trapline --help lists them');
  if (!Object.hasOwn(COMMANDS, name))
    return refuse(`trapline: no command ${JSON.stringify(name)}; trapline --help lists them`);
  try {
    const { help, run } = await COMMANDS[name]();
    return args.some(isHelp) ? print(help) : await run(args);
  } catch (error) {
    const message = badInput(error);
    if (message === undefined) throw error;
    return refuse(`trapline ${name}: ${message.replaceAll('\n', ' ')}`);
  }
}

const isHelp = (word: string): boolean => word === '--help' || word === '-h';

/** The message where the fault is in what the program was given. */
function badInput(error: unknown): string | undefined {
  if (error instanceof InputError || error instanceof TraplineError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return code?.startsWith('ERR_PARSE_ARGS') ? message : undefined;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`);
  return 2;
}

function version(): string {
  // dist/src/cli/main.js
  return JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version;
}

// A reader that has seen enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
