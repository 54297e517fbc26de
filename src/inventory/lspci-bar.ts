import type { BarType } from '../host.js';
import type { InventoryBar } from './machine.js';

/**
 * The lines of BARs, by their form, not their words, which may be translated: an optional number, flags (older versions
 * print them first), an address, its width, size and flags.
 */
const FLAGS = String.raw`((?:\[[^\]]*\] )*)`;
const NUMBER = String.raw`(?:\S+ (\d{1,2}) ?: )?`;
const MEMORY = new RegExp(
  String.raw`^${NUMBER}${FLAGS}(?:[^\s(]+ ){1,4}?([0-9a-f]{8,16}|<[\w-]+>) \((32-bit|64-bit|low-1M|type 3)(?:, ?([^)]*))?(?:\)(.*))?$`,
  'i',
);
const ROM = new RegExp(String.raw`^${FLAGS}(?:\S+[ -]){1,2}?ROM \S+ ([0-9a-f]{8}|<[\w-]+>)(?= |$)(.*)$`, 'i');
const PORTS = new RegExp(
  String.raw`^${NUMBER}${FLAGS}I/O ports at ([0-9a-f]{4,8}|<[\w-]+>)(?= |$)(.*)$`,
  'i',
);
const TRANSLATED_PORTS = new RegExp(
  String.raw`^${NUMBER}${FLAGS}(?:\S+ ){1,4}?([0-9a-f]{4,8})((?: \[[\w-]+\])* \[[^\]\s=]+=\d+[KMGT]?\].*)$`,
  'i',
);
const SIZE = /\[[^\]\s=]+=(\d{1,15})([KMGT]?)\]/;
const REST = /^(?:[\p{L} -]+\) )?\[/u;
/** "prefetchable"; a negation takes more than one word. */
const ONE_WORD = /^\p{L}+$/u;

export interface ListedBar extends Omit<InventoryBar, 'index'> {
  /** Undefined: not printed. */
  readonly index: number | undefined;
}

export function listedBar(line: string): ListedBar | undefined {
  const memory = MEMORY.exec(line);
  if (memory) {
    const [, index, flags, address, width, attributes, rest = ''] = memory;
    const type = width === '64-bit' ? 'mem64' : 'mem32';
    return bar(index, type, address, flags + rest, ONE_WORD.test(attributes ?? ''));
  }
  const rom = ROM.exec(line);
  if (rom) return bar('6', 'rom', rom[2], rom[1] + rom[3], false);
  const ports = PORTS.exec(line) ?? TRANSLATED_PORTS.exec(line);
  return ports ? bar(ports[1], 'io', ports[3], ports[2] + ports[4], false) : undefined;
}

/** The size in what a mail program made a line of its own. */
export function listedSize(line: string): number | undefined {
  return REST.test(line) ? sizeIn(line) : undefined;
}

function bar(
  index: string | undefined,
  type: BarType,
  address: string,
  rest: string,
  prefetchable: boolean,
): ListedBar {
  const assigned = !address.startsWith('<') && !rest.includes('<');
  return {
    index: index === undefined ? undefined : Number(index),
    type,
    address: (assigned && parseInt(address, 16)) || undefined,
    size: sizeIn(rest),
    prefetchable,
    disabled: rest.includes('[disabled]'),
    virtual: rest.includes('[virtual]'),
  };
}

function sizeIn(text: string): number | undefined {
  const size = SIZE.exec(text);
  return size ? Number(size[1]) * 1024 ** ' KMGT'.indexOf(size[2] || ' ') : undefined;
}
