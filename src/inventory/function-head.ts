import { parseSbdf, type Sbdf } from '../sbdf.js';

/** How `lspci` begins the lines of a function. */
const HEAD = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?: (.*))?$/i;

export interface FunctionHead {
  /** As printed. */
  readonly address: string;
  /** Undefined: the domain is above ffff (those that VMD makes up), which no SBDF has. */
  readonly sbdf: Sbdf | undefined;
  /** What follows; undefined: nothing. */
  readonly text: string | undefined;
}

export function functionHead(line: string): FunctionHead | undefined {
  const match = HEAD.exec(line);
  if (!match) return undefined;
  const [, domain, place, text] = match;
  const address = domain === undefined ? place : `${domain}:${place}`;
  const hasSbdf = domain === undefined || parseInt(domain, 16) <= 0xffff;
  return { address, sbdf: hasSbdf ? parseSbdf(`${domain?.slice(-4) ?? '0000'}:${place}`) : undefined, text };
}
