import type { ByteRegion } from '../src/index.js';
import type { RecordingHost } from './recording-host.js';

/** Bytes of which no two neighbours are alike, that record what is done to them. */
class RecordingRegion implements ByteRegion {
  readonly size: number;
  private readonly name: string;
  private readonly host: RecordingHost;
  private readonly bytes: Uint8Array;

  constructor(host: RecordingHost, name: string, size: number) {
    this.host = host;
    this.name = name;
    this.size = size;
    this.bytes = Uint8Array.from({ length: size }, (_, index) => (index * 11 + (index >> 8) + size) & 0xff);
  }

  read(position: number, into: Uint8Array): number {
    this.host.record(`region ${this.name} read ${position} ${into.length}`);
    into.set(this.bytes.subarray(position, position + into.length));
    return into.length;
  }

  save(): string {
    return Buffer.from(this.bytes).toString('hex');
  }

  stateFaults(state: unknown): string[] {
    return typeof state === 'string' && state.length === 2 * this.size ? [] : ['is not its bytes'];
  }

  restore(state: string): void {
    this.bytes.set(Buffer.from(state, 'hex'));
  }

  store(position: number, from: Uint8Array): number {
    this.host.record(`region ${this.name} write ${position} ${Buffer.from(from).toString('hex')}`);
    this.bytes.set(from, position);
    return from.length;
  }
}

class WritableRegion extends RecordingRegion {
  write(position: number, from: Uint8Array): number {
    return this.store(position, from);
  }
}

/** EPERM at odd positions; EIO in the last byte, both ways. */
class FailingRegion extends WritableRegion {
  override read(position: number, into: Uint8Array): number {
    return position + into.length === this.size ? -5 : super.read(position, into);
  }

  override write(position: number, from: Uint8Array): number {
    if (position + from.length === this.size) return -5;
    return position % 2 === 1 ? -1 : super.write(position, from);
  }
}

/** Two pages and a half; one that ends within 8 bytes and takes no writes; a small one that fails. */
export const recordingRegions = (host: RecordingHost): ByteRegion[] => [
  new WritableRegion(host, 'writable', 0x2800),
  new RecordingRegion(host, 'read-only', 0x1005),
  new FailingRegion(host, 'failing', 0x35),
];
