import { instrumentedCores } from '../../coverage/instrument.js';
import { BlockMap } from './block-map.js';
import type { History } from './history.js';
import { type Replayed, replay } from './replay.js';
import { type Subject, subjectsOf } from './subject.js';

/** As few histories as reach, each with as few steps as can be, all blocks that all of them reach. */
export async function merged(histories: readonly History[]): Promise<Replayed[]> {
  const cores = await instrumentedCores();
  const subjects = subjectsOf(cores);
  const map = new BlockMap(subjects.length, cores.blocks.length);
  const ascending = [...histories].sort((a, b) => a.steps.length - b.steps.length);
  return ascending.flatMap((history) => {
    const replayed = ran(history, subjects);
    const news = map.news(countersOf(subjects));
    if (news.length === 0 || replayed.difference) return [];
    const few = fewest(replayed, subjects, (counters) => map.hasAll(news, counters));
    ran(few.history, subjects);
    map.add(countersOf(subjects));
    return few;
  });
}

/** Once or not at all: by how often they ran, the corpus would be fifteen times as large. */
const countersOf = (subjects: readonly Subject[]) =>
  subjects.map(({ counters }) => counters.map((count) => Math.min(count, 1)));

const ran = (history: History, subjects: readonly Subject[]): Replayed =>
  replay(
    history,
    subjects.map(({ create }) => create),
  );

/** Without the steps that it reaches as much without. */
function fewest(
  replayed: Replayed,
  subjects: readonly Subject[],
  isEnough: (counters: readonly Uint8Array[]) => boolean,
): Replayed {
  let best = replayed;
  for (let at = best.history.steps.length - 1; at >= 1; at--) {
    const { history } = best;
    const shorter = ran({ ...history, steps: history.steps.toSpliced(at, 1) }, subjects);
    if (!shorter.difference && isEnough(countersOf(subjects))) best = shorter;
  }
  return best;
}
