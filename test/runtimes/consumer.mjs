// Uses each entry of the installed package, in any runtime with the modules of Node, and prints a line of JSON each: what
// came out and what should.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const LIMIT = 20_000;

const page = () => new Uint8Array(4096).fill(0x5a);
const host = { mapPage: page };
const description = {
  sbdf: '01:00.0',
  bars: [{ index: 0, type: 'mem32', address: 0xfe000000, size: 0x2000 }],
  msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
  decode: true,
};

async function assigned(options = {}) {
  const { createDispatcher } = await import('trapline');
  const dispatcher = createDispatcher({ host, ...options });
  dispatcher.assign(description);
  return dispatcher;
}

function compiled(entry) {
  return new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve(entry))));
}

/** The code of the error that is thrown. */
function refusal(misuse) {
  try {
    misuse();
  } catch (error) {
    return error.code;
  }
}

const checks = {
  async '.'() {
    const dispatcher = await assigned();
    dispatcher.write(0xfe000000, 4, 0xfee01004);
    const read = (address) => dispatcher.read(address, 4);
    return [
      [read(0xfe000000), read(0xfe000800), read(0)],
      [0xfee01004, 0x5a5a5a5a, -1],
    ];
  },

  async require() {
    const { createDispatcher } = createRequire(import.meta.url)('trapline');
    return [createDispatcher({ host }).read(0, 4), -1];
  },

  async './audit'() {
    const [{ createDispatcher }, { Inventory }] = [await import('trapline'), await import('trapline/audit')];
    const inventory = new Inventory();
    const assign = (sbdf, address) =>
      createDispatcher({ host, inventory }).assign({
        sbdf,
        bars: [{ index: 0, type: 'mem32', address, size: 32 }],
        decode: true,
      });
    assign('01:00.0', 0x80000000);
    return [refusal(() => assign('02:00.0', 0x80000020)), 'shared-page'];
  },

  async './kvm'() {
    const { answerKvmExit } = await import('trapline/kvm');
    const run = new DataView(new ArrayBuffer(4096));
    run.setUint32(8, 6, true); // KVM_EXIT_MMIO
    run.setBigUint64(32, 0xfe000800n, true);
    run.setUint32(48, 8, true);
    const answered = answerKvmExit(await assigned(), run);
    return [
      [answered, run.getBigUint64(40, true).toString(16)],
      [true, '5a5a5a5a5a5a5a5a'],
    ];
  },

  async './opregion'() {
    const { openOpRegion } = await import('trapline/opregion');
    return [openOpRegion({ memory: { map: () => null }, asls: 0x1000 }).error, -12];
  },

  async './qtest'() {
    const { QtestHost } = await import('trapline/qtest');
    return [refusal(() => new QtestHost({ mailbox: 1 })), 'bad-argument'];
  },

  async './record'() {
    const { record } = await import('trapline/record');
    let text = '';
    const recording = record(await assigned(), (lines) => {
      text += lines;
    });
    recording.read(0xfe000804, 2);
    recording.flush();
    return [/^R 2 [\d.]+ \d+ (0x\w+ 0x\w+)/m.exec(text)?.[1], '0xfe000804 0x5a5a'];
  },

  async './stolen-memory'() {
    const { stolenRegisters } = await import('trapline/stolen-memory');
    const [{ offset, value }] = stolenRegisters('gen9', { graphicsControl: 0x2c1, base: 0x7c000000 });
    return [
      [offset, value],
      [0x50, 0x2c1],
    ];
  },

  async './v86'() {
    const { attachV86 } = await import('trapline/v86');
    const dispatcher = await assigned();
    return [refusal(() => attachV86({ dispatcher, wasm: new Uint8Array(8) })), 'unsupported-host'];
  },

  async './xen'() {
    const { createIoreqServer } = await import('trapline/xen');
    const slots = new DataView(new ArrayBuffer(4096));
    const memory = { read: () => false, write: () => false };
    const server = createIoreqServer({ dispatcher: await assigned(), slots, memory });
    return [
      [server.answer(0), refusal(() => server.answer(128))],
      [false, 'bad-argument'],
    ];
  },

  async './shared'() {
    const { createDispatcher } = await import('trapline/shared');
    const dispatcher = createDispatcher({ shared: true, host });
    const fn = dispatcher.assign(description);
    const handle = dispatcher.share();
    const vcpu = new Worker(new URL('./vcpu.mjs', import.meta.url), { workerData: handle });
    const values = await new Promise((resolve, reject) => {
      vcpu.once('message', resolve);
      vcpu.once('error', reject);
      setTimeout(() => reject(new Error(`no answer of the worker in ${LIMIT / 1000} s`)), LIMIT).unref();
    }).finally(() => vcpu.terminate());
    dispatcher.release(handle);
    const table = fn.vector(0).addressLow;
    return [
      [values, table, fn.decoding],
      [[0x5a5a5a5a, 'okay', -1], 0xfee00000, false],
    ];
  },

  async './core.wasm'() {
    const dispatcher = await assigned({ module: compiled('trapline/core.wasm') });
    return [dispatcher.read(0xfe000800, 4), 0x5a5a5a5a];
  },

  async './shared.wasm'() {
    const { createDispatcher } = await import('trapline/shared');
    const dispatcher = createDispatcher({ shared: true, host, module: compiled('trapline/shared.wasm') });
    dispatcher.assign(description);
    return [dispatcher.read(0xfe000800, 4), 0x5a5a5a5a];
  },

  async './package.json'() {
    const { name } = JSON.parse(
      readFileSync(fileURLToPath(import.meta.resolve('trapline/package.json')), 'utf8'),
    );
    return [name, 'trapline'];
  },

  async 'the program'() {
    const main = fileURLToPath(new URL('./node_modules/trapline/dist/src/cli/main.js', import.meta.url));
    writeFileSync(
      'lspci.txt',
      '01:00.0 Thing\n\tRegion 0: Memory at 80000000 (32-bit, non-prefetchable) [size=4K]\n',
    );
    const [line] = execFileSync(process.execPath, [...process.execArgv, main, 'audit', 'lspci.txt'], {
      encoding: 'utf8',
    }).split('\n');
    return [line, '1 function, pages of 4 KiB: nothing found'];
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    const [got, expected] = await check();
    console.log(JSON.stringify({ name, got, expected }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: String(error).split('\n')[0] }));
  }
}
process.exit();
