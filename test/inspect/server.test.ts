import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import { type InspectorServer, POLICY, type Resource, serve } from '../../src/inspect/server.js';

let folder: string;
let server: InspectorServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  writeFileSync(join(folder, 'image'), Uint8Array.of(0, 1, 2, 255));
  writeFileSync(join(folder, 'secret'), 'secret');
  const resources = new Map<string, Resource>([
    ['/', { type: 'text/html; charset=utf-8', text: '<p>é</p>' }],
    ['/image', { type: 'application/octet-stream', file: join(folder, 'image') }],
    ['/folder', { type: 'text/plain', file: folder }],
    ['/gone', { type: 'text/plain', file: join(folder, 'gone') }],
  ]);
  server = await serve(resources, 0);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const port = () => Number(new URL(server.url).port);

/** The path goes out as it is. */
function ask(path: string, { method = 'GET', host = `127.0.0.1:${port()}` } = {}): Promise<Answer> {
  return new Promise((answered, failed) => {
    const options = { host: '127.0.0.1', port: port(), path, method, headers: { host } };
    request(options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () =>
        answered({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
      );
      response.on('error', failed);
    })
      .on('error', failed)
      .end();
  });
}

describe('what is served', () => {
  it('has its type, length and bytes', async () => {
    const page = await ask('/');
    expect([page.status, page.body.toString()]).toEqual([200, '<p>é</p>']);
    expect(page.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'content-length': '9' });
    const image = await ask('/image');
    expect([...image.body]).toEqual([0, 1, 2, 255]);
    expect(image.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '4',
    });
  });

  it('is the same whatever query follows', async () => {
    expect((await ask('/image?1')).status).toBe(200);
  });

  it('comes without a body for HEAD', async () => {
    const { status, headers, body } = await ask('/image', { method: 'HEAD' });
    expect([status, headers['content-length'], body.length]).toEqual([200, '4', 0]);
  });

  it('is as the file is now', async () => {
    writeFileSync(join(folder, 'image'), Uint8Array.of(7));
    expect([...(await ask('/image')).body]).toEqual([7]);
  });
});

describe('what is refused', () => {
  it.each([
    '/secret',
    '/../secret',
    '/image/../secret',
    '/%2e%2e/secret',
    '//',
    '',
    '/index.html',
    'http://127.0.0.1/',
  ])('another path: %j', async (path) => {
    const { status, body } = await ask(path || '/nothing');
    expect([status, body.toString()]).toEqual([404, 'nothing here\n']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('another method: %s', async (method) => {
    const { status, headers } = await ask('/', { method });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it.each(['attacker.example', '127.0.0.1', '127.0.0.1:1', '[::1]:80', 'localhost'])(
    'another host: %j',
    async (host) => {
      const { status, body } = await ask('/', { host });
      expect([status, body.toString()]).toEqual([421, 'another host\n']);
    },
  );

  it('no host at all', async () => {
    const socket = connect(port(), '127.0.0.1').setEncoding('utf8');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    let answered = '';
    for await (const part of socket) answered += part;
    expect(answered).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('not the name of this machine', async () => {
    expect((await ask('/', { host: `localhost:${port()}` })).status).toBe(200);
  });

  it('a file that cannot be read ends the connection, and the server goes on', async () => {
    await expect(ask('/folder')).rejects.toThrow();
    expect((await ask('/')).status).toBe(200);
  });

  it('a file that has gone ends the connection, and the server goes on', async () => {
    await expect(ask('/gone')).rejects.toThrow();
    expect((await ask('/')).status).toBe(200);
  });
});

it.each(['/', '/nothing'])('every answer has the policy and is not kept: %s', async (path) => {
  const { headers } = await ask(path);
  expect(headers).toMatchObject({
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
});

it('the policy allows nothing inline, no eval, and no other host', () => {
  expect(POLICY).toContain("default-src 'none'");
  expect(POLICY).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|data:|\*/);
});

it('listens on the loopback address only', async () => {
  const others = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address),
  );
  for (const host of others) {
    await expect(
      new Promise((answered, failed) => get({ host, port: port(), path: '/' }, answered).on('error', failed)),
    ).rejects.toThrow('ECONNREFUSED');
  }
  expect(new URL(server.url).hostname).toBe('127.0.0.1');
});

it('a port in use is told of in one line', async () => {
  const other = createServer();
  await new Promise<void>((listens) => other.listen(0, '127.0.0.1', listens));
  const { port: used } = other.address() as AddressInfo;
  const failed = serve(new Map(), used);
  await expect(failed).rejects.toThrow(InputError);
  await expect(failed).rejects.toThrow(`--port: cannot listen on port ${used} of 127.0.0.1: it is in use`);
  other.close();
});
