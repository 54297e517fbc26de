import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { manPage } from '../../src/cli/man-page.js';

// The built program and its page: `npm test` builds first.
const help = (...command: string[]): string =>
  spawnSync(process.execPath, ['dist/src/cli/main.js', ...command, '--help'], { encoding: 'utf8' }).stdout;
const page = readFileSync('dist/trapline.1', 'utf8');

/** What the macros of a page show, line by line. */
const shown = (source: string): string =>
  source
    .replaceAll(/^\.(TP|PP|EX|EE)\n/gm, '')
    .replaceAll(/\\f[BIR]|\\&/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\(ga', '`')
    .replaceAll('\\(ha', '^')
    .replaceAll('\\(ti', '~')
    .replaceAll('\\e', '\\');

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** The sections of a page by name. */
const sections = (source: string): Map<string, string> =>
  new Map(
    source
      .split(/^\.SH /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n') + 1)]),
  );

/** What stands before its text, of the rows of a help: options and commands. */
const terms = (text: string): string[] =>
  [...text.matchAll(/^ {2}((?:--)?[a-z].*?)(?: {2}.*)?$/gm)].map(([, term]) => term);
const tagged = (source: string): string[] =>
  [...source.matchAll(/^\.TP\n(.*)$/gm)]
    .map(([, term]) => shown(term))
    .filter((term) => /^(--)?[a-z]/.test(term));

const commands = [...help().matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);

describe('the man page', () => {
  it('has a section for each command of trapline --help, and no other', () => {
    expect(commands).toContain('stolen');
    expect([...sections(page).keys()]).toEqual([
      'NAME',
      'SYNOPSIS',
      'COMMANDS',
      ...commands.map((name) => name.toUpperCase()),
      'EXIT STATUS',
    ]);
  });

  it('has the commands and options of trapline --help', () => {
    const listed = terms(help());
    expect(listed).toContain('--version');
    expect(listed).toContain('replay FILE...');
    expect(tagged(sections(page).get('COMMANDS') as string)).toEqual(listed);
  });

  it('is of the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(shown(page.split('\n')[0])).toBe(`.TH TRAPLINE 1 "" "trapline ${version}"`);
  });

  describe.each(commands)('of trapline %s', (command) => {
    const section = sections(page).get(command.toUpperCase()) as string;

    it('has the options of its help', () => {
      const options = terms(help(command)).filter((term) => term.startsWith('--'));
      expect(options).toContain('--help');
      expect(tagged(section)).toEqual(options);
    });

    it('says what its help says, word by word', () => {
      expect(words(shown(section))).toEqual(words(help(command).replace(/^usage: /, '')));
    });

    it('shows the example of its help as it is', () => {
      const [, example] = /^\.EX\n([\s\S]*)^\.EE$/m.exec(section) as RegExpExecArray;
      expect(example).toMatch(/^\$ trapline /);
      const indented = shown(example).replaceAll(/^(?=.)/gm, '  ');
      expect(help(command)).toContain(`\n\n${indented}\nExit status`);
    });
  });
});

const program = `usage: trapline COMMAND ...

Does this.

  do FILE  does it

Exit status: 0.
`;
const made = (command: string): string =>
  manPage('1', (name) =>
    name === undefined ? program : `usage: trapline do\n\n${command}\n\nExit status: 0.\n`,
  );

describe('manPage', () => {
  it.each([
    ['.so it begins', '\\&.so it begins'],
    ["'twas", "\\&'twas"],
    ['a\\b -vv', 'a\\eb \\-vv'],
  ])('escapes what troff would take for its own: %s', (text, escaped) => {
    expect(made(text)).toContain(`\n.PP\n${escaped}\n.PP\nExit`);
  });

  it('shows an example as it is, blank lines too', () => {
    expect(made("  $ trapline do\n  'a' `b` ^c ~d\n\n    .e\n\n  'f'")).toContain(
      [
        '.EX',
        '$ trapline do',
        '\\(aqa\\(aq \\(gab\\(ga \\(hac \\(tid',
        '',
        '  .e',
        '',
        '\\(aqf\\(aq',
        '.EE',
      ].join('\n'),
    );
  });

  it('has rows whose text goes on, and begins, in the next line', () => {
    expect(made('  --one N  first\n           second\n  --two A --three B\n           third')).toContain(
      [
        '.TP',
        '\\fB\\-\\-one\\fR \\fIN\\fR',
        'first',
        'second',
        '.TP',
        '\\fB\\-\\-two\\fR \\fIA\\fR \\fB\\-\\-three\\fR \\fIB\\fR',
        'third',
      ].join('\n'),
    );
  });

  it.each([
    ['a usage', 'Does this.\n\nExit status: 0.\n', /^a help without usage or exit status/],
    ['an exit status', 'usage: trapline\n\nDoes this.\n', /^a help without usage or exit status/],
    ['what it is for', 'usage: trapline\n\n  do  does it\n\nExit status: 0.\n', /does not begin with what/],
  ])('throws where the help has not %s', (_, help, message) => {
    expect(() => manPage('1', () => help)).toThrow(message);
  });
});
