import { formatSbdf } from '../sbdf.js';
import { KINDS, type Kind } from '../trace/function-counts.js';
import type { ReplayedFile } from '../trace/replay-file.js';
import { isUsed } from './replay-text.js';

/** A replay for other programs. A ROM counts as direct there: as the traced machine had it. Only recordings have regions. */
export function replayJson({ replay }: ReplayedFile) {
  return {
    accesses: replay.accesses,
    unclaimed: replay.unclaimedReads + replay.unclaimedWrites,
    differences: replay.differenceCount,
    reasons: { ...replay.reasons },
    functions: replay.functions.map(({ sbdf, counts }) => ({
      sbdf: formatSbdf(sbdf),
      owners: Object.fromEntries(
        KINDS.filter((kind) => kind !== 'rom' && (kind !== 'region' || isUsed({ counts }, kind))).map(
          (kind) => {
            const kinds: Kind[] = kind === 'direct' ? ['direct', 'rom'] : [kind];
            const total = (count: (kind: Kind) => number) => kinds.reduce((sum, one) => sum + count(one), 0);
            return [
              kind,
              { reads: total((one) => counts.reads(one)), writes: total((one) => counts.writes(one)) },
            ];
          },
        ),
      ),
    })),
  };
}
