/** An option or a word of the command line, and what it is for. */
interface Row {
  readonly term: string;
  readonly lines: string[];
}

type Block =
  | { readonly kind: 'paragraph'; readonly lines: readonly string[] }
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  | { readonly kind: 'example'; readonly lines: string[] };

interface Help {
  readonly usage: string;
  readonly blocks: readonly Block[];
  readonly exitStatus: string;
}

/**
 * trapline(1) in man(7) macros: what `trapline --help` and `trapline COMMAND --help` print, and nothing else. `help` gives these,
 * of the program or of one of the commands that it lists. Throws where one is not laid out like the others.
 */
export function manPage(version: string, help: (...command: string[]) => string): string {
  const { usage, blocks, exitStatus } = parsed(help());
  const [purpose, ...rest] = blocks;
  if (purpose?.kind !== 'paragraph') throw new Error('trapline --help does not begin with what it is for');
  const commands = rest
    .flatMap((block) => (block.kind === 'rows' ? block.rows : []))
    .flatMap(({ term }) => /^[a-z]+/.exec(term) ?? []);
  return [
    `.TH TRAPLINE 1 "" "trapline ${escaped(version)}"`,
    '.SH NAME',
    `trapline \\- ${escaped(named(purpose.lines.join(' ')))}`,
    '.SH SYNOPSIS',
    styled(usage),
    '.SH COMMANDS',
    ...rest.flatMap(macros),
    ...commands.flatMap((command) => section(command.toUpperCase(), parsed(help(command)))),
    '.SH EXIT STATUS',
    escaped(exitStatus),
    '',
  ].join('\n');
}

function section(name: string, { usage, blocks, exitStatus }: Help): string[] {
  const status = escaped(`Exit status: ${exitStatus}`);
  return [`.SH ${name}`, styled(usage), ...blocks.flatMap(macros), '.PP', status];
}

function parsed(help: string): Help {
  const [, usage, body, exitStatus] = /^usage: (.*)\n\n([\s\S]*)\n\nExit status: (.*)\n$/.exec(help) ?? [];
  if (usage === undefined) throw new Error(`a help without usage or exit status: ${help}`);
  const blocks: Block[] = [];
  for (const text of body.split('\n\n')) {
    const last = blocks.at(-1);
    const lines = text.split('\n');
    if (text.startsWith('  $ ')) blocks.push({ kind: 'example', lines: lines.map(undented) });
    else if (!text.startsWith('  ')) blocks.push({ kind: 'paragraph', lines });
    // What an example prints has blank lines too.
    else if (last?.kind === 'example') last.lines.push('', ...lines.map(undented));
    else blocks.push({ kind: 'rows', rows: rowsOf(lines) });
  }
  return { usage, blocks, exitStatus };
}

function rowsOf(lines: readonly string[]): Row[] {
  const rows: Row[] = [];
  for (const line of lines) {
    const [, term, text] = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
    if (term !== undefined) rows.push({ term, lines: text === undefined ? [] : [text] });
    else rows[rows.length - 1].lines.push(line.trim());
  }
  return rows;
}

function macros(block: Block): string[] {
  switch (block.kind) {
    case 'paragraph':
      return ['.PP', ...block.lines.map(escaped)];
    case 'rows':
      return block.rows.flatMap(({ term, lines }) => ['.TP', styled(term), ...lines.map(escaped)]);
    case 'example':
      return ['.PP', '.EX', ...block.lines.map(verbatim), '.EE'];
  }
}

/** As `whatis` shows it. */
const named = (sentence: string): string => sentence[0].toLowerCase() + sentence.slice(1).replace(/\.$/, '');

/** Bold is what is typed as it stands, italic what stands for something. */
function styled(text: string): string {
  return text
    .split(/(^trapline [a-z]+|^[a-z]+|--[a-z0-9-]+|\b[A-Z]+\b)/)
    .map((part, index) => {
      if (index % 2 === 0) return escaped(part);
      return `\\f${/[A-Z]/.test(part) ? 'I' : 'B'}${escaped(part)}\\fR`;
    })
    .join('');
}

/** A hyphen by itself would be typographic, and a control character at the start of a line a macro. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');

const verbatim = (line: string): string =>
  escaped(line)
    .replace(/^\\&'|'/g, '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');

const undented = (line: string): string => line.slice(2);
