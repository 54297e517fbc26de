/** What no test reaches, and why. Where it can be reached after all, the entry must go. */
export interface Excuse {
  readonly file: string;
  /** Of assembly/ only. */
  readonly function?: string;
  /** The line without its indentation; of assembly/, the block's. Absent: the whole file. */
  readonly text?: string;
  readonly reason: string;
}

const PAGE = 'src/inspect/page/';

export const EXCUSED: readonly Excuse[] = [
  {
    file: `${PAGE}colours.ts`,
    reason: 'Asks the browser for the palette; test/browser runs it in Chromium.',
  },
  {
    file: `${PAGE}counters-panel.ts`,
    reason: 'Draws with uPlot into the page; test/browser runs it in Chromium.',
  },
  { file: `${PAGE}element.ts`, reason: 'Makes elements of the page; test/browser runs it in Chromium.' },
  { file: `${PAGE}function-panel.ts`, reason: 'A table of the page; test/browser runs it in Chromium.' },
  { file: `${PAGE}heat-panel.ts`, reason: 'Draws on a canvas; test/browser runs it in Chromium.' },
  {
    file: `${PAGE}log-panel.ts`,
    reason: 'A list in the page that scrolls; test/browser runs it in Chromium.',
  },
  { file: `${PAGE}main.ts`, reason: 'Puts the page together; test/browser runs it in Chromium.' },
  {
    file: `${PAGE}page-machine.ts`,
    reason:
      'Runs the v86 that the inspector’s server hands out to a browser; test/browser runs it in Chromium.',
  },
  {
    file: `${PAGE}script-styles.ts`,
    reason: 'Style sheets that scripts make; test/browser runs it in Chromium.',
  },
  { file: `${PAGE}serial-console.ts`, reason: 'A terminal of xterm.js; test/browser runs it in Chromium.' },
  {
    file: 'src/shared/attached-dispatcher.ts',
    text: 'locate: () => undefined,',
    reason: 'Asked of bytes with different owners, which an attached worker leaves to the owner.',
  },
];
