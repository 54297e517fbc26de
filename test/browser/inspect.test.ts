import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FunctionOnPage, InspectorPage, InstalledPackage, launch, RunningInspector } from './inspector.js';

/** Where the guest keeps the number of interrupts that it took from 00:08.0: see guest.c. */
const TAKEN = 0x10;
/** Longer than the guest leaves between two interrupts. */
const LONG = 700;
const SOON = { timeout: 30_000 };

let installed: InstalledPackage;
let server: RunningInspector;
let browser: Browser;

beforeAll(async () => {
  installed = new InstalledPackage();
  server = await RunningInspector.start(installed);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  const status = await server?.stop('SIGINT');
  installed?.remove();
  expect(status).toBe(0);
});

describe('trapline inspect, from the packed package', () => {
  let open: InspectorPage;
  let small: FunctionOnPage;
  let large: FunctionOnPage;

  beforeAll(async () => {
    open = await InspectorPage.open(browser, server.url);
    small = new FunctionOnPage(open, 0, '0000:00:08.0');
    large = new FunctionOnPage(open, 1, '0000:00:09.0');
  });

  it('boots the guest, whose steps all pass, on the serial console', async () => {
    await open.until('the guest is live', () => inspector.serial.text.includes('\nlive\n'));
    const serial = await open.serial();
    expect(serial).toMatch(/^PASS 00:08\.0 /m);
    expect(serial).toMatch(/^PASS 00:09\.0 /m);
    expect(serial).toMatch(/^\d\d passed, 0 failed$/m);
    expect(serial).not.toContain('FAIL');
  });

  it('shows the console as a terminal', async () => {
    await open.until('an interrupt on the console', () => inspector.serial.text.includes('interrupt 2'));
    expect(await open.page.locator('.xterm-rows').textContent()).toContain('00:08.0 interrupt 1');
  });

  describe('the heat map', () => {
    const map = (name: string) => open.page.locator('#maps figure', { hasText: name });

    it('shows the page of the table, its bytes marked and counted', async () => {
      const figure = map('00:09.0 BAR0+0x1000');
      await figure.locator('canvas').focus();
      for (let row = 0; row <= 0x400 / 64; row++) await open.page.keyboard.press('ArrowDown');
      expect(await figure.locator('output').textContent()).toMatch(
        /^0x400 entry 0 address, 0000:00:09\.0 BAR 0 \+ 0x1400: \d+ reads, \d+ writes$/,
      );
      await open.page.keyboard.press('ArrowLeft');
      expect(await figure.locator('output').textContent()).toMatch(/^0x3ff adjacent, .* BAR 0 \+ 0x13ff: /);
    });

    it('colours the bytes by owner', async () => {
      const colours = await map('00:09.0 BAR0+0x1000')
        .locator('canvas')
        .evaluate((canvas) => {
          const { data, width } = (canvas as HTMLCanvasElement)
            .getContext('2d')!
            .getImageData(0, 0, 512, 512);
          const at = (byte: number) => {
            const start = 4 * ((Math.floor(byte / 64) * 8 + 4) * width + (byte % 64) * 8 + 4);
            return [...data.slice(start, start + 4)];
          };
          return { table: at(0x404), beside: at(0xa00) };
        });
      const [red, green, blue] = colours.table;
      expect(blue).toBeGreaterThan(Math.max(red, green));
      expect(colours.beside[1]).toBeGreaterThan(Math.max(colours.beside[0], colours.beside[2]));
      expect(colours.table[3]).toBeGreaterThan(colours.beside[3]);
    });

    it('shows table, PBA and registers of BARs that share one page', async () => {
      const figure = map('00:08.0 BAR0 from 0x300, BAR2 from 0x400');
      await figure.locator('canvas').hover({ position: { x: 2, y: 2 } });
      expect(await figure.locator('output').textContent()).toMatch(/^0x[0-9a-f]+ nobody: no access$/);
    });
  });

  it('shows the messages that the guest programmed', async () => {
    for (const [fn, vector, data] of [
      [small, 0, '50'],
      [small, 1, '51'],
      [large, 0, '60'],
      [large, 63, '9f'],
    ] as const) {
      expect(await fn.row(vector)).toMatchObject({
        address: 'fee00000',
        data: `000000${data}`,
        message: `0x${data}, APIC 0`,
      });
    }
    expect((await small.row(0)).mask).toBe('open');
    expect((await large.row(63)).mask).toBe('masked');
  });

  it('counts accesses and interrupts', async () => {
    const counters = await open.counters();
    expect(counters.accesses).toBe(counters.reads + counters.writes);
    for (const name of ['table', 'pba', 'adjacent', 'neighbour', 'direct', 'unaligned', 'interrupts sent']) {
      expect(counters[name], name).toBeGreaterThan(0);
    }
    expect(counters.undelivered).toBe(0);
  });

  describe('masking by button', () => {
    it('stops the interrupts', async () => {
      const before = await small.register(TAKEN);
      await expect.poll(() => small.register(TAKEN), SOON).toBeGreaterThan(before);

      await small.button('Mask vector 0').click();
      await small.button('Mask vector 1').click();
      expect([await small.isPressed('Mask vector 0'), await small.isPressed('Mask vector 1')]).toEqual([
        true,
        true,
      ]);
      const other = await open.counter('interrupts sent');
      await open.page.waitForTimeout(LONG);
      const taken = await small.register(TAKEN);
      const sent = [await small.sent(0), await small.sent(1)];
      await open.page.waitForTimeout(LONG);
      expect(await small.register(TAKEN)).toBe(taken);
      expect([await small.sent(0), await small.sent(1)]).toEqual(sent);
      await expect.poll(() => open.counter('interrupts sent'), SOON).toBeGreaterThan(other);
    });

    it('leaves pending what is raised meanwhile', async () => {
      await open.until('a pending vector', () =>
        [0, 1].some((vector) => inspector.machine.functions[0].interrupts?.pending(vector)),
      );
      await small.button('Raise vector 0').click();
      expect(await open.said()).toBe('00:08.0: vector 0 raised: pending');
      expect(await small.row(0)).toMatchObject({ pending: '● pending', mask: 'masked' });
    });

    it('and unmasking delivers the pending one, exactly once', async () => {
      await open.page.getByRole('button', { name: 'Pause' }).click();
      await open.until('it is stopped', () => !inspector.machine.isRunning);
      await open.page.waitForTimeout(LONG);
      // Whose turn it is not has been raised by the button only.
      for (let count = 0; count < 3; count++) await small.button('Raise vector 0').click();
      const [taken, sent] = [await small.register(TAKEN), await small.sent(0)];
      expect(await small.pending(0)).toBe(true);
      await small.button('Mask vector 0').click();
      expect(await small.pending(0)).toBe(false);
      expect(await small.sent(0)).toBe(sent + 1);
      await small.button('Mask vector 0').click();

      await open.page.getByRole('button', { name: 'Run' }).click();
      await open.until('it runs', () => inspector.machine.isRunning);
      await expect.poll(() => small.register(TAKEN), SOON).toBe(taken + 1);
      await open.page.waitForTimeout(LONG);
      expect(await small.register(TAKEN)).toBe(taken + 1);
      expect(await small.sent(0)).toBe(sent + 1);
    });

    it('lets them go on', async () => {
      const taken = await small.register(TAKEN);
      await small.button('Mask vector 0').click();
      await small.button('Mask vector 1').click();
      await expect.poll(() => small.register(TAKEN), SOON).toBeGreaterThan(taken + 2);
      expect((await small.row(0)).mask).toBe('open');
    });
  });

  it('masks a whole function, and switches its MSI-X off', async () => {
    await small.button('Function mask').click();
    expect((await small.row(0)).mask).toBe('function mask');
    await small.button('MSI-X').click();
    expect((await small.row(0)).mask).toBe('MSI-X off');
    const sent = await small.sent(0);
    await open.page.waitForTimeout(LONG);
    expect(await small.sent(0)).toBe(sent);
    await small.button('MSI-X').click();
    await small.button('Function mask').click();
    await expect.poll(() => small.sent(0), SOON).toBeGreaterThan(sent);
  });

  it('leaves accesses unclaimed while decoding is off', async () => {
    const before = await open.counter('unclaimed');
    await large.button('Decode').click();
    await expect.poll(() => open.counter('unclaimed'), SOON).toBeGreaterThan(before);
    expect(await large.button('Mask vector 0').isDisabled()).toBe(true);
    await open.page.locator('#filter-kind').selectOption('unclaimed');
    const row = open.page.locator('#log-rows tr:visible').first();
    await expect.poll(() => row.textContent(), SOON).toMatch(/00:09\.0 BAR0\+0x.*not decoded/);
    await row.getByRole('button').click();
    expect(await open.page.locator('#log-details').textContent()).toContain(
      'a BAR answers only while it is decoded',
    );
    await open.page.locator('#filter-kind').selectOption('');
    const [taken, unclaimed] = [await large.sent(0), await open.counter('unclaimed')];
    await large.button('Decode').click();
    await expect.poll(() => large.sent(0), SOON).toBeGreaterThan(taken);
    const after = await open.counter('unclaimed');
    expect(after).toBeGreaterThanOrEqual(unclaimed);
    await open.page.waitForTimeout(LONG);
    expect(await open.counter('unclaimed')).toBe(after);
  });

  it('filters the log by words', async () => {
    const rows = open.page.locator('#log-rows tr:visible');
    const filtered = async (text: string) => {
      await open.page.locator('#filter').fill(text);
      await open.page.waitForTimeout(LONG);
      return rows.allTextContents();
    };
    for (const [text, expected] of [
      ['read "pending bits" 00:08.0', /read.*00:08\.0 BAR0\+0xa0.*pending bits of the emulated PBA/],
      ['-read -00:09.0', /write.*00:08\.0/],
    ] as const) {
      const texts = await filtered(text);
      expect(texts.length).toBeGreaterThan(0);
      expect(texts.filter((row) => !expected.test(row))).toEqual([]);
    }
    expect(await filtered('nothing says this')).toEqual([]);
    await open.page.locator('#filter').fill('');
  });

  it('notes what a button writes as what it is', async () => {
    await open.page.locator('#filter').fill('"unmasks vector 7"');
    await large.button('Mask vector 7').click();
    const row = open.page.locator('#log-rows tr:visible').first();
    await expect.poll(() => row.textContent(), SOON).toContain('MSI-X entry 7, vector control, bit 0 masks');
    await open.page.locator('#filter').fill('');
    await large.button('Mask vector 7').click();
  });

  it('masks a vector with the keyboard alone, focus in sight', async () => {
    const { page } = open;
    await page.locator('body').click({ position: { x: 1, y: 1 } });
    const focused = () =>
      page.evaluate(() => {
        const { activeElement } = document;
        const section = activeElement?.closest('.function')?.getAttribute('aria-label');
        const outline = activeElement ? getComputedStyle(activeElement).outlineWidth : '';
        return { name: activeElement?.getAttribute('aria-label'), section, outline };
      });
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press('Tab');
      const { name, section } = await focused();
      if (name === 'Mask vector 2' && section === 'Function 0000:00:09.0') break;
    }
    expect(await focused()).toEqual({
      name: 'Mask vector 2',
      section: 'Function 0000:00:09.0',
      outline: '3px',
    });
    await page.keyboard.press('Enter');
    expect(await large.isPressed('Mask vector 2')).toBe(true);
    expect((await large.row(2)).mask).toBe('masked');
    expect((await focused()).name).toBe('Mask vector 2');
    await page.keyboard.press('Space');
    expect((await large.row(2)).mask).toBe('open');
  });

  it('stops counting when it is told not to watch', async () => {
    await open.page.getByLabel('watch accesses').uncheck();
    await open.page.waitForTimeout(300);
    const [accesses, sent] = [await open.counter('accesses'), await open.counter('interrupts sent')];
    await expect.poll(() => open.counter('interrupts sent'), SOON).toBeGreaterThan(sent);
    expect(await open.counter('accesses')).toBe(accesses);
    await open.page.getByLabel('watch accesses').check();
  });

  it('saves a state, from which another page goes on', async () => {
    const download = open.page.waitForEvent('download');
    await open.page.getByRole('button', { name: 'Save state' }).click();
    const file = join(installed.folder, 'trapline.state');
    await (await download).saveAs(file);
    const taken = await small.register(TAKEN);
    await expect.poll(() => small.register(TAKEN), SOON).toBeGreaterThan(taken);

    const second = await RunningInspector.start(installed, '--state', file);
    const other = await InspectorPage.open(browser, second.url);
    const fn = new FunctionOnPage(other, 0, '0000:00:08.0');
    const goneOn = await fn.register(TAKEN);
    expect(goneOn).toBeGreaterThan(2);
    await expect.poll(() => fn.register(TAKEN), SOON).toBeGreaterThan(goneOn);
    expect(await other.serial()).not.toContain('PASS');
    expect(await other.allProblems()).toEqual([]);
    await other.page.close();
    expect(await second.stop('SIGTERM')).toBe(0);
  });

  it('resets the machine, which boots again', async () => {
    const before = await open.page.evaluate(() => Object.fromEntries(inspector.machine.diagnostics));
    await open.page.getByRole('button', { name: 'Reset' }).click();
    await open.until('the console is empty', () => !inspector.serial.text.includes('live'));
    await open.until('the guest is live again', () => inspector.serial.text.includes('\nlive\n'));
    expect(await open.serial()).toMatch(/^\d\d passed, 0 failed$/m);
    const sent = await small.sent(0);
    await expect.poll(() => small.sent(0), SOON).toBeGreaterThan(sent);
    const after = await open.page.evaluate(() => Object.fromEntries(inspector.machine.diagnostics));
    expect(after['bad-size']).toBeGreaterThan(0);
    expect(after['unaligned-write']).toBeLessThan(before['unaligned-write']);
  });

  it('is kept as a picture', async () => {
    await open.page.waitForTimeout(2 * LONG);
    await open.screenshot('inspector-light');
  });

  it('violates no policy, reports no error, and asks nobody else', async () => {
    expect(await open.allProblems()).toEqual([]);
    await open.page.close();
  });
});

describe.each([
  ['dark', 1280],
  ['light', 800],
] as const)('the page, %s, %d pixels wide', (scheme, width) => {
  it('has no room too little, and is kept as a picture', async () => {
    const open = await InspectorPage.open(browser, server.url, scheme, { width, height: 800 });
    await open.until('the guest is live', () => inspector.serial.text.includes('\nlive\n'));
    await open.page.waitForTimeout(3 * LONG);
    await open.screenshot(`inspector-${scheme}-${width}`);
    const { overflow, light } = await open.page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      light: getComputedStyle(document.body).backgroundColor,
    }));
    expect(overflow).toBe(0);
    expect(light).toBe(scheme === 'dark' ? 'rgb(15, 18, 24)' : 'rgb(246, 247, 249)');
    expect(await open.allProblems()).toEqual([]);
    await open.page.close();
  });
});
