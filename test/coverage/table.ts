import { dirname } from 'node:path';
import type { Judged, Place } from './judge.js';

/** A row for each folder, two deep. */
export function tableOf(places: readonly Place[], { missing, excused }: Judged): string {
  const folders = new Set(places.map(folderOf));
  const rows = [...folders].sort().map((folder) => {
    const [all, not, pardoned] = [places, missing, excused].map(
      (list) => list.filter((place) => folderOf(place) === folder).length,
    );
    return [folder, all - not - pardoned, pardoned, not, all];
  });
  return [['', 'ran', 'excused', 'missing', 'of'], ...rows]
    .map(([name, ...numbers]) => `${name}`.padEnd(24) + numbers.map((one) => `${one}`.padStart(9)).join(''))
    .join('\n');
}

function folderOf({ file }: Place): string {
  const folder = dirname(file).split('/').slice(0, 2).join('/');
  return folder === 'assembly' ? 'assembly (blocks)' : folder;
}
