import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { PageMachine } from '../../src/inspect/page/page-machine.js';
import type { SerialConsole } from '../../src/inspect/page/serial-console.js';
import { CHROMIUM, FLAGS } from '../chromium.js';
import { packed } from '../package/tarball.js';

const SCREENSHOTS = 'build/screenshots';

declare global {
  /** What the page has for the browser's console. */
  var inspector: { machine: PageMachine; serial: SerialConsole };
  var violations: string[];
}

/** The packed package, installed beside v86. */
export class InstalledPackage {
  readonly folder = mkdtempSync(join(tmpdir(), 'trapline-'));

  constructor() {
    const tarball = packed(this.folder);
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
    const args = ['install', '--silent', '--no-audit', '--no-fund'];
    execFileSync('npm', [...args, tarball, `v86@${devDependencies.v86}`], { cwd: this.folder });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `trapline inspect` of an installed package. */
export class RunningInspector {
  readonly url: string;
  private readonly program: ChildProcess;

  static async start({ folder }: InstalledPackage, ...args: string[]): Promise<RunningInspector> {
    const program = spawn(join(folder, 'node_modules/.bin/trapline'), ['inspect', ...args], { cwd: folder });
    const url = await new Promise<string>((printed, failed) => {
      program.stdout.once('data', (text) => printed(String(text).trim()));
      program.stderr.once('data', (text) => failed(new Error(String(text))));
    });
    return new RunningInspector(program, url);
  }

  private constructor(program: ChildProcess, url: string) {
    this.program = program;
    this.url = url;
  }

  /** Its exit status. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    const ended = new Promise<number | null>((exited) => this.program.once('exit', exited));
    this.program.kill(signal);
    return ended;
  }
}

export async function launch(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`);
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** A page of the inspector, and all that was wrong on it. */
export class InspectorPage {
  readonly page: Page;
  /** Errors, warnings, and requests to other hosts. */
  private readonly problems: string[] = [];

  static async open(
    browser: Browser,
    url: string,
    colorScheme: 'light' | 'dark' = 'light',
    viewport = { width: 1280, height: 800 },
  ): Promise<InspectorPage> {
    const opened = new InspectorPage(await browser.newPage({ colorScheme, viewport }), url);
    await opened.page.addInitScript(() => {
      globalThis.violations = [];
      addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) =>
        violations.push(`${violatedDirective} ${blockedURI} ${sourceFile}`),
      );
    });
    await opened.page.goto(url);
    await opened.until('the guest is there', () => globalThis.inspector !== undefined);
    return opened;
  }

  private constructor(page: Page, url: string) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(message.text());
    });
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('blob:'))
        this.problems.push(request.url());
    });
  }

  async allProblems(): Promise<string[]> {
    const errors = await this.page.evaluate(() => [...violations, ...inspector.machine.errors.map(String)]);
    return [...this.problems, ...errors];
  }

  /** The page's own policy forbids Playwright's `waitForFunction`, which needs eval. */
  async until<Value>(
    what: string,
    holds: (value?: Value) => boolean,
    value?: Value,
    limit = 30_000,
  ): Promise<void> {
    const end = Date.now() + limit;
    while (!(await this.page.evaluate(holds as (value: unknown) => boolean, value))) {
      if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}`);
      await this.page.waitForTimeout(50);
    }
  }

  serial(): Promise<string> {
    return this.page.evaluate(() => inspector.serial.text);
  }

  said(): Promise<string | null> {
    return this.page.locator('#said').textContent();
  }

  /** The values of the tiles, at one moment. */
  async counters(): Promise<Record<string, number>> {
    const tiles = await this.page
      .locator('.tile')
      .evaluateAll((all) =>
        all.map((tile) => [
          tile.querySelector('span')?.textContent ?? '',
          Number(tile.querySelector('b')?.textContent?.replaceAll(',', '')),
        ]),
      );
    return Object.fromEntries(tiles);
  }

  async counter(name: string): Promise<number> {
    return (await this.counters())[name];
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: resolve(SCREENSHOTS, `${name}.png`) });
    await this.page.screenshot({ path: resolve(SCREENSHOTS, `${name}-whole.png`), fullPage: true });
  }
}

/** The part of the page that is about one function. */
export class FunctionOnPage {
  private readonly inspector: InspectorPage;
  private readonly index: number;
  private readonly name: string;

  constructor(inspector: InspectorPage, index: number, name: string) {
    this.inspector = inspector;
    this.index = index;
    this.name = name;
  }

  private get section() {
    return this.inspector.page.getByRole('region', { name: `Function ${this.name}` });
  }

  button(name: string) {
    return this.section.getByRole('button', { name, exact: true });
  }

  async isPressed(name: string): Promise<boolean> {
    return (await this.button(name).getAttribute('aria-pressed')) === 'true';
  }

  /** The cells of a vector's row. */
  async row(
    vector: number,
  ): Promise<Record<'address' | 'data' | 'message' | 'mask' | 'pending' | 'sent', string>> {
    const row = this.section.locator('tbody tr').nth(vector);
    const [address, data, message, mask, pending, sent] = await row.locator('td').allTextContents();
    return { address, data, message, mask, pending, sent };
  }

  async sent(vector: number): Promise<number> {
    return this.inspector.page.evaluate(
      ([index, vector]) => inspector.machine.sentOf(inspector.machine.functions[index].sbdf, vector),
      [this.index, vector] as const,
    );
  }

  pending(vector: number): Promise<boolean> {
    return this.inspector.page.evaluate(
      ([index, vector]) => inspector.machine.functions[index].interrupts?.pending(vector) ?? false,
      [this.index, vector] as const,
    );
  }

  /** What the guest has written to a register of BAR 0. */
  register(offset: number): Promise<number> {
    return this.inspector.page.evaluate(
      ([index, offset]) => {
        const { functions, watch } = inspector.machine;
        return watch.read(functions[index].bars[0].address + offset, 4);
      },
      [this.index, offset] as const,
    );
  }
}
