/** What the server tells the page to boot. */
export type Setup = BareMetal | Linux;

interface Begun {
  /** It goes on from a saved state. */
  readonly saved?: boolean;
}

/** The guest that comes with Trapline. */
export interface BareMetal extends Begun {
  readonly guest: 'bare-metal';
}

export interface Linux extends Begun {
  readonly guest: 'linux';
  /** Bytes of RAM. */
  readonly memory: number;
  readonly commandLine: string;
  readonly initrd: boolean;
  readonly vgaBios: boolean;
}

/** Where the server has what the page asks for. */
export const PATHS = {
  setup: '/setup.json',
  guest: '/guest.elf',
  kernel: '/kernel',
  initrd: '/initrd',
  bios: '/bios.bin',
  vgaBios: '/vga-bios.bin',
  state: '/state',
  v86: '/v86/libv86.mjs',
  wasm: '/v86/v86.wasm',
} as const;
