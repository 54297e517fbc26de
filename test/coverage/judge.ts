import type { Excuse } from './excused.js';

/** A line of src/ or a block of assembly/. */
export interface Place {
  readonly file: string;
  readonly line: number;
  /** Without indentation. */
  readonly text: string;
  /** Of assembly/ only. */
  readonly function?: string;
  readonly count: number;
}

export interface Judged {
  readonly missing: readonly Place[];
  readonly excused: readonly Place[];
  /** Excuses of what ran, or is not there. */
  readonly idle: readonly Excuse[];
}

export function judge(places: readonly Place[], excuses: readonly Excuse[]): Judged {
  const never = places.filter(({ count }) => count === 0);
  const isExcused = (place: Place) => excuses.some((excuse) => speaksOf(excuse, place));
  return {
    missing: never.filter((place) => !isExcused(place)),
    excused: never.filter(isExcused),
    idle: excuses.filter((excuse) => !never.some((place) => speaksOf(excuse, place))),
  };
}

function speaksOf(excuse: Excuse, place: Place): boolean {
  return (
    excuse.file === place.file &&
    (excuse.function ?? place.function) === place.function &&
    (excuse.text ?? place.text) === place.text
  );
}
