import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** From the bottom. A folder or file of src stands for all in it; what is not named is at the bottom. */
const LAYERS: readonly (readonly string[])[] = [
  [],
  ['engine'],
  ['memory'],
  ['msix', 'pci', 'vfio'],
  ['bar-index', 'direct-map', 'page-plan', 'straddle', 'domain', 'completion'],
  [
    'ring',
    'accesses',
    'snapshot',
    'snapshot-faults',
    'dispatcher',
    'regions',
    'opregion',
    'stolen-memory',
    'index',
  ],
  ['shared', 'hosts', 'record', 'trace', 'inventory'],
  ['audit', 'explain', 'conform', 'guest', 'report'],
  ['inspect'],
  ['cli'],
];

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

/** Imports and re-exports that are there when the code runs. */
const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join('src', file), 'utf8');
  return [...text.matchAll(/^(?:import|export) (?!type )([^;'"]*?)from '(\.[^']+)\.js'/gm)]
    .filter(([, names]) => !/^\{(\s*type [^,}]+,?)+\s*\}\s*$/.test(names))
    .map(([, , path]) => ({ from: file, to: `${normalize(join(dirname(file), path))}.ts` }))
    .filter(({ to }) => !to.startsWith('..'));
});

function layerOf(file: string): number {
  const [name] = file.replace(/\.ts$/, '').split('/');
  return Math.max(
    LAYERS.findIndex((layer) => layer.includes(name)),
    0,
  );
}

describe('the layers of src', () => {
  it('are found: every folder has one, and the files are read', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
    expect([...folders].filter((folder) => layerOf(`${folder}/x.ts`) === 0)).toEqual([]);
    expect(imports.length).toBeGreaterThan(500);
  });

  it('import downwards only', () => {
    const upward = imports.filter(({ from, to }) => layerOf(to) > layerOf(from));
    expect(upward.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('have no circle of imports', () => {
    const after = new Map<string, string[]>();
    for (const { from, to } of imports) after.set(from, [...(after.get(from) ?? []), to]);
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of after.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });
});
