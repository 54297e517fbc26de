import type { Readable } from 'node:stream';
import { InputError } from '../input-error.js';
import { type LineSource, readLines } from '../lines.js';
import { MOST_ENTRIES } from '../msix-layout.js';
import { formatSbdf } from '../sbdf.js';
import { barFault } from './bar-fault.js';
import type { InventoryFunction, Machine } from './machine.js';
import { PasteReader } from './paste-reader.js';
import { inventoryFunction } from './seen-function.js';
import { Sight } from './sight.js';
import { sightOfSysfs } from './sysfs.js';

export interface MachineSources {
  /** Texts in which outputs of `lspci`, `/proc/iomem` and IOMMU groups stand, plain or gzip. `-`: standard input. */
  readonly files: readonly string[];
  /** `/sys`, or a copy of it or of `/sys/bus/pci/devices`. */
  readonly sysfs?: string;
  /** Standard input. Default: that of the process. */
  readonly input?: Readable;
}

/** MiB of a text. */
const MOST = 128;

/**
 * A machine as all sources together show it: an earlier one is believed where two differ, a later one adds functions
 * (virtual ones appear late) and what was not shown; MSI-X counts as enabled when any of them says so. Throws
 * `InputError`.
 */
export async function readMachine({ files, sysfs, input = process.stdin }: MachineSources): Promise<Machine> {
  const sight = new Sight();
  if (files.filter((file) => file === '-').length > 1) {
    throw new InputError('expected standard input, -, once');
  }
  let functions = 0;
  for (const file of files) {
    const source = file === '-' ? { name: 'standard input', stream: input } : file;
    const reader = await readPaste(sight, source);
    if (reader.isBlank) throw none(nameOf(source), 'lspci');
    functions += reader.functions;
  }
  if (sysfs !== undefined) sightOfSysfs(sysfs, sight);
  else if (functions === 0) throw none(files.length > 0 ? files.join(', ') : 'no file', 'lspci');
  return sight.machine();
}

/** The functions of one machine from texts, as `readMachine` reads them. BARs that no device has are refused. */
export async function readInventory(sources: readonly LineSource[]): Promise<InventoryFunction[]> {
  const sight = new Sight();
  for (const source of sources) {
    const reader = await readPaste(sight, source);
    if (reader.functions === 0) throw none(nameOf(source), 'lspci -vvv');
  }
  const functions = sight.functions().map(inventoryFunction);
  for (const fn of functions) check(fn);
  return functions;
}

const nameOf = (source: LineSource): string => (typeof source === 'string' ? source : source.name);

const none = (name: string, command: string): InputError =>
  new InputError(`${name}: expected the output of ${command}, found no function`);

async function readPaste(sight: Sight, source: LineSource): Promise<PasteReader> {
  const name = nameOf(source);
  const reader = new PasteReader(sight);
  const isEnded = await readLines(
    source,
    (bytes, start, end, line) => {
      const text = bytes.toString('utf8', start, end);
      if (text.includes('\0')) throw new InputError(`${name}:${line}: expected text, found a zero byte`);
      reader.line(text);
      if (reader.isOverfull) {
        throw new InputError(
          `${name}:${line}: expected at most 65536 functions, and as many ranges of memory`,
        );
      }
    },
    { most: MOST },
  );
  if (!isEnded) reader.cut();
  reader.end();
  return reader;
}

function check({ sbdf, bars, msix }: InventoryFunction): void {
  const fault = barFault(bars);
  if (fault) throw new InputError(`inventory: ${formatSbdf(sbdf)} ${fault}`);
  if (msix && (msix.count < 1 || msix.count > MOST_ENTRIES)) {
    throw new InputError(
      `inventory: ${formatSbdf(sbdf)}: expected an MSI-X Count of 1 to ${MOST_ENTRIES}, got ${msix.count}`,
    );
  }
}
