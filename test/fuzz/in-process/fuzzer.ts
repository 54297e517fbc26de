import type { Block } from '../../coverage/counters.js';
import { Random } from '../../hosts/guest/random.js';
import { BlockMap } from './block-map.js';
import type { History } from './history.js';
import { Lives } from './lives.js';
import { mutated } from './mutate.js';
import { type Replayed, replay } from './replay.js';
import { shrunk } from './shrink.js';
import type { Subject } from './subject.js';

/** Tries histories on subjects, and keeps those that reach something new. All chance is the seed's. */
export class Fuzzer {
  executions = 0;
  /** What reached something new, in the order in which it did. */
  readonly kept: Replayed[] = [];
  private readonly subjects: readonly Subject[];
  private readonly map: BlockMap;
  private readonly random: Random;
  private readonly lives = new Lives();

  constructor(subjects: readonly Subject[], blocks: readonly Block[], seed: number) {
    this.subjects = subjects;
    this.map = new BlockMap(subjects.length, blocks.length);
    this.random = new Random(seed + 1);
  }

  /** By id, whether a block ran. */
  get reached(): readonly boolean[] {
    return this.map.blocks;
  }

  /** Runs a history; returns what of it shows a difference, where something does. */
  try(history: History): Replayed | undefined {
    this.executions++;
    this.lives.add(history);
    const replayed = replay(
      history,
      this.subjects.map(({ create }) => create),
    );
    if (replayed.difference) return this.alone(history, replayed);
    if (this.map.add(this.subjects.map(({ counters }) => counters))) this.kept.push(replayed);
    return undefined;
  }

  /** Tries one that is made of those that were kept. Half of the time of one of the last. */
  next(): Replayed | undefined {
    const { random, kept } = this;
    const last = random.below(2) === 0 ? kept.slice(-32) : kept;
    return this.try(mutated(random, random.of(last).history, random.of(kept).history));
  }

  /** As short as can be, with dispatchers of its own; as it is where these show no difference. */
  private alone(history: History, found: Replayed): Replayed {
    const again = (one: History) =>
      replay(
        one,
        this.subjects.map(({ createAnew }) => createAnew),
      );
    const shown = [history, this.lives.whole(history)].map(again).find(({ difference }) => difference);
    return shown ? shrunk(shown, again) : found;
  }
}
