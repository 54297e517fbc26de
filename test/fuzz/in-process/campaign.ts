import type { Block } from '../../coverage/counters.js';
import { instrumentedCores } from '../../coverage/instrument.js';
import { Fuzzer } from './fuzzer.js';
import type { History } from './history.js';
import type { Replayed } from './replay.js';
import { subjectsOf } from './subject.js';

/** Seconds between two lines of progress. */
const INTERVAL = 5;

export interface Campaign {
  readonly fuzzer: Fuzzer;
  readonly found: Replayed | undefined;
  /** What it came to, in a line. */
  readonly summary: string;
  readonly neverReached: readonly Block[];
}

/** Tries the given histories, then what becomes of them, for so long or until an engine does otherwise than the reference. */
export async function campaign(
  given: readonly History[],
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
  print: (line: string) => void,
): Promise<Campaign> {
  const cores = await instrumentedCores();
  const { blocks } = cores;
  const fuzzer = new Fuzzer(subjectsOf(cores), blocks, seed);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const progress = () => {
    const { executions, reached, kept } = fuzzer;
    const rate = Math.round(executions / elapsed());
    const count = reached.filter(Boolean).length;
    return `${executions} executions, ${rate} a second; ${count} of ${blocks.length} blocks reached; corpus: ${kept.length}; seed ${seed}`;
  };

  let found: Replayed | undefined;
  for (const history of given) found ??= fuzzer.try(history);
  for (let told = INTERVAL; !found && elapsed() < seconds; ) {
    found = fuzzer.next();
    if (elapsed() < told) continue;
    print(progress());
    told += INTERVAL;
  }
  const { reached } = fuzzer;
  return { fuzzer, found, summary: progress(), neverReached: blocks.filter((_, id) => !reached[id]) };
}
