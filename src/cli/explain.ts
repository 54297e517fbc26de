import { parseArgs } from 'node:util';
import type { Outcome } from '../explain/outcome.js';
import type { Part } from '../explain/place.js';
import { type Explanation, explain, type PolicyAnswer } from '../explain.js';
import { grouped } from '../grouped.js';
import { hex } from '../hexadecimal.js';
import { InputError } from '../input-error.js';
import { readInventory } from '../inventory/read-machine.js';
import { policies } from '../policy.js';
import { parseAccess } from './access-notation.js';
import { policyOption } from './policy-option.js';

export const help = `usage: trapline explain --inventory lspci.txt [options] ACCESS...

Says whose bytes an access touches, what a read and a write of it do under each
policy, and why. The answers are those of the dispatcher, run on the spot.

  ACCESS             ADDRESS[+WIDTH] or SBDF:BARn+OFFSET[+WIDTH] (SBDF:ROM+OFFSET);
                     decimal, or hexadecimal with 0x; WIDTH is 1, 2, 4 or 8, default 4
  --inventory FILE   output of lspci -vvv; may be repeated
  --policy NAME      strict, xen or xenV3; default: all three
  --domain NAME      guest (default), or hardware, which may write pending bits
  --json             one JSON array on standard output, nothing else
  --help             this text

lspci does not show table entries: they count as written, and masked.

  $ trapline explain --inventory test/fixtures/m1/lspci.txt 01:00.0:BAR0+0x208c
  0xfe20208c, 4 bytes: 0000:01:00.0 BAR0+0x208c, MSI-X entry 8, vector control, bit 0 masks
    strict, xen, xenV3
      read             the guest's entry 8: vector control
      unmasking write  unmasks vector 8 and arms it with the address and data written
      masking write    masks vector 8; the host masks it too
      because          the table is emulated: the device's own holds the host's messages (PCIe 7.7.2)
      because          unmasking arms a vector written since it was last armed, while MSI-X is on and not masked (PCIe 6.1.4.5)

Exit status: 0, 2 for bad input.
`;

const DOMAINS = ['guest', 'hardware'] as const;

/** `trapline explain`; returns the exit status. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      inventory: { type: 'string', multiple: true, default: [] },
      policy: { type: 'string' },
      domain: { type: 'string', default: 'guest' },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length === 0) throw new InputError('expected ADDRESS[+WIDTH], got none');
  if (values.inventory.length === 0)
    throw new InputError('expected --inventory FILE, the output of lspci -vvv');
  const asked =
    values.policy === undefined
      ? [policies.strict, policies.xen, policies.xenV3]
      : [policyOption(values.policy)];
  const domain = DOMAINS.find((name) => name === values.domain);
  if (!domain) throw new InputError(`--domain: expected ${DOMAINS.join(', ')}, got ${values.domain}`);
  const inventory = await readInventory(values.inventory);
  const accesses = positionals.map((text) => parseAccess(text, inventory));
  const explanations = accesses.map(({ address, width }) =>
    explain(inventory, address, width, { policies: asked, domain }),
  );
  process.stdout.write(
    values.json ? `${JSON.stringify(explanations)}\n` : explanations.map(explanationText).join('\n'),
  );
  return 0;
}

function explanationText({ address, width, parts, policies: answers }: Explanation): string {
  const head = `${hex(address)}, ${width} byte${width === 1 ? '' : 's'}:`;
  const where =
    parts.length === 1
      ? [`${head} ${partText(parts[0])}`]
      : [head, ...parts.map((part) => `  byte${bytesText(part)}: ${partText(part)}`)];
  return `${[...where, ...alike(answers).flatMap(answerLines)].join('\n')}\n`;
}

function partText({ sbdf, region, offset, text }: Part): string {
  return sbdf === undefined ? text : `${sbdf} ${region}+${hex(offset ?? 0)}, ${text}`;
}

const bytesText = ({ first, last }: Part): string => (first === last ? ` ${first}` : `s ${first}..${last}`);

/** Policies that answer alike, for the same reasons. */
function alike(answers: readonly PolicyAnswer[]): PolicyAnswer[][] {
  return [...grouped(answers, (answer) => JSON.stringify({ ...answer, policy: undefined })).values()];
}

function answerLines(group: readonly PolicyAnswer[]): string[] {
  const [{ read, writes, reasons }] = group;
  return [
    `  ${group.map(({ policy }) => policy).join(', ')}`,
    line('read', read.text),
    ...writes.map((write) => line(writeName(write), write.text)),
    ...reasons.map(({ rule, source }) => line('because', `${rule} (${source})`)),
  ];
}

function writeName({ mask }: Outcome): string {
  return mask === undefined ? 'write' : mask ? 'masking write' : 'unmasking write';
}

const line = (name: string, text: string): string => `    ${name.padEnd(15)}  ${text}`;
