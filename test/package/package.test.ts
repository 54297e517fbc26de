import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, FLAGS } from '../chromium.js';
import { STEPS } from '../guest/steps.js';
import { packed } from './tarball.js';

/** What a consumer writes; prints `1 0 true`. */
const consumer = `import { createDispatcher, UNCLAIMED } from 'trapline';
const host = { mapPage: () => new Uint8Array(4096) };
const dispatcher = createDispatcher({ host, module: globalThis.coreModule });
const bars = [{ index: 0, type: 'mem64', address: 0x380000000000, size: 0x2000 }];
const msix = { count: 4, table: { bir: 0, offset: 0x1000 }, pba: { bir: 0, offset: 0x1800 } };
dispatcher.assign({ sbdf: '01:00.0', bars, msix, decode: true });
const answer = [dispatcher.read(0x38000000100c, 4), dispatcher.read(0x380000001100, 4), dispatcher.read(0, 4) === UNCLAIMED];
`;

const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

let folder: string;
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  const tarball = packed(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  run('npm', 'install', '--silent', '--no-audit', '--no-fund', tarball);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package in Node', () => {
  it('works from its main entry', () => {
    writeFileSync(join(folder, 'main.js'), `${consumer}console.log(...answer);`);
    expect(run('node', 'main.js')).toBe('1 0 true');
  });

  it('works from require', () => {
    writeFileSync(join(folder, 'main.cjs'), "console.log(typeof require('trapline').createDispatcher);");
    expect(run('node', '--no-warnings', '--experimental-require-module', 'main.cjs')).toBe('function');
  });

  it('has an entry of its own for OpRegions, with the same errors', () => {
    const open = `import { TraplineError } from 'trapline';
import { openOpRegion } from 'trapline/opregion';
const none = openOpRegion({ memory: { map: () => null }, asls: 0x1000 });
try {
  openOpRegion({ memory: { map: () => null }, asls: -1 });
} catch (error) {
  console.log(none.error, error instanceof TraplineError);
}`;
    writeFileSync(join(folder, 'opregion.js'), open);
    expect(run('node', 'opregion.js')).toBe('-12 true');
  });

  it('has an entry of its own for audits, whose inventory dispatchers share', () => {
    const share = `import { createDispatcher, TraplineError } from 'trapline';
import { Inventory } from 'trapline/audit';
const inventory = new Inventory();
const guest = () => createDispatcher({ host: { mapPage: () => new Uint8Array(4096) }, inventory });
const small = (sbdf, address) => ({ sbdf, bars: [{ index: 0, type: 'mem32', address, size: 32 }], decode: true });
guest().assign(small('01:00.0', 0x80000000));
try {
  guest().assign(small('02:00.0', 0x80000020));
} catch (error) {
  console.log(error.code, error instanceof TraplineError, error.plan.option);
}`;
    writeFileSync(join(folder, 'audit.js'), share);
    expect(run('node', 'audit.js')).toBe('shared-page true pci=resource_alignment=12@01:00.0;12@02:00.0');
  });

  it('has an entry of its own for machines of QEMU', () => {
    const connect = `import { Qtest, QtestError, QtestHost } from 'trapline/qtest';
try {
  new QtestHost({ qtest: new Qtest('./none'), mailbox: 0x10000 });
} catch (error) {
  console.log(error instanceof QtestError, error.cause.code);
}`;
    writeFileSync(join(folder, 'qtest.js'), connect);
    expect(run('node', 'qtest.js')).toBe('true ENOENT');
  });

  it('has an entry of its own for recordings, which the command replays', () => {
    const written = `import { writeFileSync } from 'node:fs';
import { record } from 'trapline/record';
${consumer}
let text = '';
const recording = record(dispatcher, (more) => { text += more; });
recording.write(0x38000000100c, 4, 0);
recording.read(0x38000000100c, 8);
dispatcher.functions[0].placeRegion({ size: 0x1000, read: (at, into) => into.fill(7).length }, 0x380000002000);
const { trap_read } = recording.attach({ read: () => 9, write: () => {} });
console.log(trap_read(0x2000, 0x3800, 1), trap_read(0x3000, 0x3800, 4));
recording.flush();
writeFileSync('trace.txt', text);
writeFileSync('recorded.txt', recording.inventory);
`;
    writeFileSync(join(folder, 'record.js'), written);
    expect(run('node', 'record.js')).toBe('7 9');
    const replayed = run('npx', 'trapline', 'replay', 'trace.txt', '--inventory', 'recorded.txt');
    expect(replayed).toContain('differences: 0, every read was answered as recorded');
    expect(replayed).toMatch(/^ region +1 +0 +0 +R1 1$/m);
  });

  it('has an entry of its own for shared memory, with the same errors and a module as a file', () => {
    const create = `import { TraplineError } from 'trapline';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createDispatcher } from 'trapline/shared';
const host = { mapPage: () => null };
const file = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve('trapline/shared.wasm'))));
const core = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve('trapline/core.wasm'))));
const dispatcher = createDispatcher({ host, shared: true, module: file });
try {
  createDispatcher({ host, shared: true, module: core });
} catch (error) {
  console.log(dispatcher.read(0, 4), error.code, error instanceof TraplineError);
}`;
    writeFileSync(join(folder, 'shared.js'), create);
    expect(run('node', 'shared.js')).toBe('-1 bad-module true');
  });

  it('has an entry of its own for v86, with the same errors', () => {
    const attach = `import { createDispatcher, TraplineError } from 'trapline';
import { attachV86 } from 'trapline/v86';
try {
  attachV86({ dispatcher: createDispatcher({ host: { mapPage: () => null } }), wasm: new Uint8Array(8) });
} catch (error) {
  console.log(error.code, error instanceof TraplineError, error.faults.at(-1));
}`;
    writeFileSync(join(folder, 'v86.js'), attach);
    expect(run('node', 'v86.js')).toBe('unsupported-host true v86 0.5.319 to 0.5.462 fits');
  });

  it('has entries of its own for KVM and Xen, with the same errors', () => {
    const answer = `import { TraplineError } from 'trapline';
import { answerKvmExit } from 'trapline/kvm';
import { createIoreqServer } from 'trapline/xen';
${consumer}
const page = new DataView(new ArrayBuffer(4096));
page.setUint32(8, 6, true);
page.setBigUint64(32, 0x38000000100cn, true);
page.setUint32(48, 4, true);
const server = createIoreqServer({ dispatcher, slots: page, memory: { read: () => false, write: () => false } });
console.log(answerKvmExit(dispatcher, page), page.getUint32(40, true), server.answer(0));
for (const misuse of [() => answerKvmExit(dispatcher, new DataView(new ArrayBuffer(0))), () => server.answer(128)]) {
  try {
    misuse();
  } catch (error) {
    console.log(error.code, error instanceof TraplineError);
  }
}`;
    writeFileSync(join(folder, 'hosts.js'), answer);
    expect(run('node', 'hosts.js').split('\n')).toEqual([
      'true 1 false',
      'bad-argument true',
      'bad-argument true',
    ]);
  });

  it('boots its guest in the v86 that is beside it', () => {
    cpSync('node_modules/v86', join(folder, 'node_modules/v86'), { recursive: true });
    const [passed] = /^\d+ passed, 0 failed$/m.exec(run('npx', 'trapline', 'boot')) ?? [];
    expect(passed).toBe(`${STEPS.length} passed, 0 failed`);
  });

  it('audits from the command line', () => {
    const lspci = '01:00.0 Thing\n\tRegion 0: Memory at 80000000 (32-bit, non-prefetchable) [size=4K]\n';
    writeFileSync(join(folder, 'lspci.txt'), lspci);
    expect(run('npx', 'trapline', 'audit', 'lspci.txt')).toMatch(
      /^1 function, pages of 4 KiB: nothing found\n/,
    );
  });

  it('hands out its raw wasm', () => {
    const load = `import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
globalThis.coreModule = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve('trapline/core.wasm'))));
const { answer } = await import('./raw-consumer.js');
console.log(...answer);`;
    writeFileSync(join(folder, 'raw-consumer.js'), `${consumer}export { answer };`);
    writeFileSync(join(folder, 'raw.js'), load);
    expect(run('node', 'raw.js')).toBe('1 0 true');
  });

  it('has types of all entries that a strict consumer compiles, without those of Node', () => {
    const typed = consumer
      .replace("type: 'mem64'", "type: 'mem64' as const")
      .replace(', module: globalThis.coreModule', '');
    writeFileSync(join(folder, 'main.ts'), `${typed}export const numbers: (number | boolean)[] = answer;`);
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
    const imports = entries.map(
      (entry, index) => `export * as e${index} from 'trapline${entry.slice(1)}';\n`,
    );
    writeFileSync(join(folder, 'entries.ts'), imports.join(''));
    const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc');
    run(
      'node',
      tsc,
      '--strict',
      '--noEmit',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom',
      'main.ts',
      'entries.ts',
    );
  });

  it('brings the command', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(run('npx', 'trapline', '--version')).toContain(version);
  });

  it('installs nothing that is not meant for users', () => {
    const files = readdirSync(join(folder, 'node_modules/trapline')).sort();
    expect(files).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
  });
});

describe('the packed package in a browser, bundled, under a strict Content-Security-Policy', () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    expect(existsSync(CHROMIUM), `${CHROMIUM} is missing: apt-get install chromium`).toBe(true);
    writeFileSync(join(folder, 'worker.js'), `${consumer}postMessage(answer.join(' '));`);
    const page = `${consumer}
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => {
  document.body.textContent = 'page ' + answer.join(' ') + ' worker ' + data;
};`;
    writeFileSync(join(folder, 'page.js'), page);
    writeFileSync(
      join(folder, 'index.html'),
      '<body>waiting</body><script type="module" src="./page.js"></script>',
    );
    writeFileSync(
      join(folder, 'shared.html'),
      '<body>waiting</body><script type="module" src="./page-shared.js"></script>',
    );
    writeFileSync(
      join(folder, 'page-shared.js'),
      `import { createDispatcher } from 'trapline/shared';
let code = '';
try {
  createDispatcher({ host: { mapPage: () => null }, shared: true });
} catch (error) {
  code = error.code;
}
const owner = new Worker(new URL('./owner.js', import.meta.url), { type: 'module' });
owner.onmessage = ({ data: handle }) => {
  const vcpu = new Worker(new URL('./vcpu.js', import.meta.url), { type: 'module' });
  vcpu.onmessage = ({ data }) => {
    document.body.textContent = code + ' ' + data;
  };
  vcpu.postMessage(handle);
};`,
    );
    writeFileSync(
      join(folder, 'owner.js'),
      `import { createDispatcher } from 'trapline/shared';
const dispatcher = createDispatcher({ host: { mapPage: () => new Uint8Array(4096).fill(1) }, shared: true });
dispatcher.assign({ sbdf: 8, bars: [{ index: 0, type: 'mem32', address: 0xfe000000, size: 0x2000 }],
  msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } }, decode: true });
postMessage(dispatcher.share());`,
    );
    writeFileSync(
      join(folder, 'vcpu.js'),
      `import { attach } from 'trapline/shared';
onmessage = ({ data: handle }) => {
  const view = attach(handle, { host: { mapPage: () => new Uint8Array(4096).fill(7) } });
  view.write(0xfe000000, 4, 0xfee00000);
  const values = [view.read(0xfe000000, 4), view.read(0xfe000800, 4), view.read(0xfe00003e, 4)];
  values.push(view.find(8).setDecode(false), view.read(0xfe000000, 4));
  postMessage(values.join(' '));
};`,
    );
    await build({
      root: folder,
      logLevel: 'error',
      build: {
        outDir: 'site',
        rolldownOptions: { input: ['index', 'shared'].map((name) => join(folder, `${name}.html`)) },
      },
    });
    server = createServer((request, response) => {
      const path = join(folder, 'site', request.url === '/' ? 'index.html' : (request.url as string));
      if (!existsSync(path)) {
        response.writeHead(404).end();
        return;
      }
      const type = path.endsWith('.js') ? 'text/javascript' : 'text/html';
      response
        .writeHead(200, {
          'content-type': type,
          'content-security-policy': CSP,
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-embedder-policy': 'require-corp',
        })
        .end(readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server?.close();
  });

  it('works on the page and in a worker', async () => {
    const { execFile } = await import('node:child_process');
    const { promisify } = await import('node:util');
    const flags = [
      ...FLAGS,
      `--user-data-dir=${join(folder, 'profile')}`,
      '--virtual-time-budget=10000',
      '--dump-dom',
    ];
    const { stdout } = await promisify(execFile)(CHROMIUM, [...flags, url]);
    expect(stdout).toContain('page 1 0 true worker 1 0 true');
  });

  it('shares a dispatcher between two workers, and tells the page that it may not', async () => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const page = await browser.newPage();
      await page.goto(`${url}shared.html`);
      await page.waitForFunction(() => document.body.textContent !== 'waiting');
      expect(await page.textContent('body')).toBe('no-threads 4276092928 117901063 16908287 okay -1');
    } finally {
      await browser.close();
    }
  });
});
