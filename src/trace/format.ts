import { InputError } from '../input-error.js';
import { readLines } from '../lines.js';
import { startsWith, textOf, word } from './digits.js';

export type TraceFormat = 'mmiotrace' | 'qemu-log' | 'qemu-log-with-plugin';

/** Lines by which a trace must have shown its format. */
const HEAD = 20_000;
/** Memory events by which a plugin's first line must have come: one access has at most 16. */
const EVENTS = 64;

const PLUGIN = word('P ');

const QEMU_LOG =
  /^(?:\d+@\d+\.\d+:)?(memory_region_ops_(?:read|write) |memory_region_subpage|pci_cfg_|pci_update_mappings)/;

const MMIOTRACE = /^(?:VERSION \d+$|PCIDEV [0-9a-f]{4} |MAP \d+\.\d+ |[RW] [1248] \d+\.\d+ )/;

/** Tells the format by the first lines. Throws `InputError` where it is neither. */
export async function traceFormat(path: string): Promise<TraceFormat> {
  let format: TraceFormat | undefined;
  let events = 0;
  await readLines(path, (bytes, start, end, line) => {
    if (startsWith(bytes, start, end, PLUGIN) && format) format = 'qemu-log-with-plugin';
    if (format === 'qemu-log-with-plugin' || (line > HEAD && !format)) return false;
    const text = textOf(bytes, start, Math.min(end, start + 128));
    if (!format && MMIOTRACE.test(text)) format = 'mmiotrace';
    if (format === 'mmiotrace') return false;
    const event = QEMU_LOG.exec(text)?.[1];
    if (!event) return true;
    format = 'qemu-log';
    if (event.startsWith('memory_region_ops')) events++;
    return events < EVENTS;
  });
  if (format) return format;
  throw new InputError(`${path}: expected a Linux mmiotrace log or a QEMU trace log`);
}
