import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '../input-error.js';

/** What is served under one path. */
export type Resource =
  | { readonly type: string; readonly file: string }
  | { readonly type: string; readonly text: string };

/** Nothing but what this server has itself; WebAssembly, and v86's timer, which is a worker of a blob. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  'worker-src blob:',
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

const ADDRESS = '127.0.0.1';

export interface InspectorServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves these paths and nothing else, to this machine only; port 0: any that is free. A request that names another host
 * is refused: a page of another site may have had its name resolved to this address (DNS rebinding). Throws `InputError`.
 */
export async function serve(
  resources: ReadonlyMap<string, Resource>,
  port: number,
): Promise<InspectorServer> {
  const server = createServer((request, response) => {
    answer(resources, request, response).catch(() => response.destroy());
  });
  await listening(server, port);
  return {
    url: `http://${ADDRESS}:${portOf(server)}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((listens, fails) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === 'EADDRINUSE' ? 'it is in use' : code === 'EACCES' ? 'it may not be used' : message;
      fails(new InputError(`--port: cannot listen on port ${port} of ${ADDRESS}: ${why}`));
    });
    server.listen(port, ADDRESS, listens);
  });
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function answer(
  resources: ReadonlyMap<string, Resource>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, headers, socket } = request;
  const names = [ADDRESS, 'localhost'].map((name) => `${name}:${socket.localPort}`);
  if (headers.host === undefined || !names.includes(headers.host))
    return refuse(response, 421, 'another host');
  if (method !== 'GET' && method !== 'HEAD')
    return refuse(response, 405, 'GET and HEAD only', { allow: 'GET, HEAD' });
  const resource = resources.get((request.url ?? '').replace(/\?.*$/, ''));
  if (!resource) return refuse(response, 404, 'nothing here');
  const length = 'file' in resource ? (await stat(resource.file)).size : Buffer.byteLength(resource.text);
  response.writeHead(200, { ...HEADERS, 'content-type': resource.type, 'content-length': length });
  if (method === 'HEAD') response.end();
  else if ('text' in resource) response.end(resource.text);
  else {
    createReadStream(resource.file)
      .on('error', () => response.destroy())
      .pipe(response);
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...HEADERS, ...headers, 'content-type': 'text/plain' }).end(`${reason}\n`);
}
