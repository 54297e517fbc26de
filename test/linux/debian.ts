import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/** What the nvme driver needs that Debian has as modules, in the order of loading. */
export const MODULES = [
  'crypto/crct10dif_common',
  'crypto/crct10dif_generic',
  'lib/crc-t10dif',
  'lib/crc64',
  'crypto/crc64_rocksoft_generic',
  'lib/crc64-rocksoft',
  'block/t10-pi',
  'drivers/nvme/host/nvme-core',
  'drivers/nvme/host/nvme',
];

/** Where the packages have what the guest is made of. */
const PATHS: readonly string[] = [
  'boot/vmlinuz-VERSION',
  'bin/busybox',
  'usr/share/seabios/bios.bin',
  ...MODULES.map((module) => `lib/modules/VERSION/kernel/${module}.ko`),
];
const nameOf = (path: string): string => basename(path).replace('-VERSION', '');

export function hasApt(): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'apt-get')));
}

/**
 * A folder with `vmlinuz`, `busybox`, `bios.bin` and the modules, of Debian's i386 packages. They are fetched once, from
 * apt's sources and under its checksums, with lists of their own: the machine's packages and lists are not touched.
 * Nothing takes longer than to `deadline`, in the time of `performance.now()`.
 */
export function fetchDebian(cache: string, deadline: number): string {
  const files = resolve(cache, 'files');
  if (PATHS.every((path) => existsSync(join(files, nameOf(path))))) return files;
  const work = resolve(cache, 'fetching');
  rmSync(cache, { recursive: true, force: true });
  for (const folder of ['lists/partial', 'archives/partial', 'root', 'files'])
    mkdirSync(join(work, folder), { recursive: true });
  try {
    const root = join(work, 'root');
    const version = unpackPackages(work, root, deadline);
    for (const path of PATHS)
      copyFileSync(join(root, path.replace('VERSION', version)), join(work, 'files', nameOf(path)));
    renameSync(join(work, 'files'), files);
  } finally {
    rmSync(work, { recursive: true });
  }
  return files;
}

/** The version of the kernel. */
function unpackPackages(work: string, root: string, deadline: number): string {
  const settings = [
    ...['APT::Architecture=i386', 'APT::Architectures=i386', 'APT::Sandbox::User=root'],
    ...[`Dir::State=${work}`, `Dir::State::status=${join(work, 'status')}`, `Dir::Cache=${work}`],
    ...['Acquire::Languages=none', 'Acquire::Retries=3'],
  ].map((setting) => `-o${setting}`);
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, {
      cwd: work,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: Math.max(1, Math.ceil(deadline - performance.now())),
    });

  writeFileSync(join(work, 'status'), '');
  try {
    run('apt-get', ...settings, '-qq', 'update');
  } catch {
    // One of its sources failed, and told so: the packages may be in the others.
  }
  const depends = run('apt-cache', ...settings, 'depends', 'linux-image-686');
  const version = /Depends: linux-image-(\S+)/.exec(depends)?.[1];
  if (version === undefined) throw new Error('linux-image-686 of i386 depends on no kernel');
  run('apt-get', ...settings, '-qq', 'download', `linux-image-${version}`, 'busybox-static', 'seabios');
  for (const name of readdirSync(work).filter((name) => name.endsWith('.deb'))) run('dpkg', '-x', name, root);
  return version;
}
