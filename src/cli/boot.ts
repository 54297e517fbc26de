import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { createMachine } from '../guest/machine.js';
import { startGuest } from '../guest/run.js';
import { V86_VERSIONS } from '../hosts/v86/signatures.js';
import { readInventory } from '../inventory/read-machine.js';
import { record } from '../record.js';
import { replayPage } from '../report/replay-page.js';
import { replayText } from '../report/replay-text.js';
import { replayRecording } from '../trace/replay-file.js';
import { writeOutput } from './output-file.js';
import { v86Files } from './v86-package.js';

export const help = `usage: trapline boot [options]

Runs a small bare-metal guest in v86, without a BIOS, on a machine of two software
functions. It finds them, sizes, places and moves their BARs, programs MSI-X, takes
interrupts, and says of each step whether it went as PCI has it. What it accessed is
recorded; the summary is what replay says of the recording.

  --report FILE   also writes an HTML page: heat maps, timeline, table entries
  --record FILE   also writes the recording, and FILE.lspci, which is its inventory
  --help          this text

Needs the package v86, ${V86_VERSIONS}, beside this one.

  $ trapline boot | grep -e passed -e differences
  53 passed, 0 failed
  differences: 0, every read was answered as recorded

Exit status: 0, 1 when a step failed or the guest did not end, 2 for bad input.
`;

/** The guest takes about one second. */
const LIMIT = 10_000;

/** `trapline boot`; returns the exit status. */
export async function run(args: string[], limit = LIMIT): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      report: { type: 'string' },
      record: { type: 'string' },
    },
  });
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const image = await readFile(new URL('../guest/guest.elf', import.meta.url));
  const machine = createMachine({ send: (message) => guest.attachment.send(message) });
  const text: string[] = [];
  const recording = record(machine.dispatcher, (lines) => text.push(lines));
  let last = '';
  const guest = startGuest({
    ...(await v86()),
    image: new Uint8Array(image).buffer,
    commandLine: 'selftest',
    machine,
    doors: recording,
    onLine: (line) => {
      last = line;
      print(line);
    },
  });
  const isEnded = await guest.end(limit);
  if (!isEnded) print(`FAIL the guest did not end within ${limit / 1000} s`);
  recording.flush();
  const { inventory } = recording;
  if (recording.counts.size === 0) return 1;
  const name = values.record ?? 'the guest';
  if (values.record !== undefined) {
    await writeOutput('--record', name, text.join(''));
    await writeOutput('--record', `${name}.lspci`, inventory);
  }
  const functions = await readInventory([
    { name: 'inventory', stream: Readable.from([Buffer.from(inventory)]) },
  ]);
  const result = await replayRecording(name, text, functions);
  print(`\n${replayText(result).trimEnd()}`);
  if (values.record !== undefined) print(`\nrecording: trapline replay ${name} --inventory ${name}.lspci`);
  if (values.report !== undefined) {
    await writeOutput('--report', values.report, replayPage(result));
    print(`\nreport: ${values.report}`);
  }
  return isEnded && / 0 failed$/.test(last) && result.replay.reasons.unexplained === 0 ? 0 : 1;
}

async function v86() {
  const { wasm } = v86Files();
  return { wasm: await readFile(wasm), V86: (await import('v86')).V86 };
}
