/** A line as a person pasted it, without what mail programs, editors and terminals did to it. */
export interface PastedLine {
  /** Words with one space between them. */
  readonly text: string;
  /** Columns before the text; tabs are 8 wide. */
  readonly indent: number;
}

/** Nothing that is read is longer. */
const LONGEST = 512;

const BLANKS = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;
const INVISIBLE = /[\ufeff\u200b-\u200d\u2060]/g;
const QUOTES = /^[ \t]*(?:>[ \t]?(?=[ \t]*>))*>[ ]?/;

export function pastedLine(line: string): PastedLine {
  if (line.length > LONGEST) return { text: '', indent: 0 };
  const plain = line.replace(INVISIBLE, '').replace(BLANKS, ' ').replace(QUOTES, '');
  let indent = 0;
  for (const char of plain) {
    if (char === '\t') indent += 8 - (indent % 8);
    else if (char === ' ') indent++;
    else break;
  }
  return { text: plain.trim().replace(/\s+/g, ' '), indent };
}
