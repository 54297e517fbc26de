import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter } from 'vitest/reporters';
import { TARGETS } from '../compile-core.js';
import { EXCUSED } from './excused.js';
import { type InstrumentedCores, instrumentedCores } from './instrument.js';
import { judge, type Place } from './judge.js';
import { lcovOf } from './lcov.js';
import { CORES, COUNTS, REPORTS, TABLE } from './place.js';
import { tableOf } from './table.js';

/** What is used of Istanbul's coverage map. */
interface CoverageMap {
  files(): string[];
  fileCoverageFor(file: string): { getLineCoverage(): Readonly<Record<string, number>> };
}

/** Programs run as processes of their own, which V8's coverage does not see. */
const NOT_JUDGED = 'src/cli/';

/** Makes the instrumented cores before the tests; after them joins both coverages, and judges. */
export class Verdict implements Reporter {
  private cores!: InstrumentedCores;
  private map!: CoverageMap;

  async onInit(): Promise<void> {
    this.cores = await instrumentedCores();
    rmSync(COUNTS, { recursive: true, force: true });
    mkdirSync(COUNTS, { recursive: true });
    for (const target of TARGETS) writeFileSync(CORES[target], this.cores.wasm[target]);
    writeFileSync(TABLE, JSON.stringify(this.cores.blocks));
  }

  onCoverage(map: unknown): void {
    this.map = map as CoverageMap;
  }

  /** Vitest does not come here where a test failed. */
  onFinishedReportCoverage(): void {
    const counts = this.counts();
    appendFileSync(`${REPORTS}/lcov.info`, lcovOf(this.cores, counts));
    const places = [...this.blocks(counts), ...this.uncompiled(), ...this.lines()];
    const judged = judge(places, EXCUSED);
    console.log(`\n${tableOf(places, judged)}\n`);
    for (const { file, line, text } of judged.missing) console.log(`${file}:${line}: never ran: ${text}`);
    for (const { file, text } of judged.idle) console.log(`${file}: needs no excuse: ${text ?? 'the file'}`);
    if (judged.missing.length > 0 || judged.idle.length > 0) process.exitCode = 1;
  }

  private counts(): number[] {
    const sums: number[] = this.cores.blocks.map(() => 0);
    for (const name of readdirSync(COUNTS)) {
      const counts: number[] = JSON.parse(readFileSync(`${COUNTS}/${name}`, 'utf8'));
      counts.forEach((count, id) => {
        sums[id] += count;
      });
    }
    return sums;
  }

  private blocks(counts: readonly number[]): Place[] {
    return this.cores.blocks.map((block, id) => ({ ...block, count: counts[id] }));
  }

  /** What is in assembly/ and in no instrumented core. */
  private uncompiled(): Place[] {
    return readdirSync('assembly')
      .map((name) => `assembly/${name}`)
      .filter((file) => file.endsWith('.ts') && !this.cores.lines.has(file))
      .map((file) => ({ file, line: 1, text: 'the file', count: 0 }));
  }

  private lines(): Place[] {
    return this.map.files().flatMap((path) => {
      const file = relative('.', path);
      if (file.startsWith(NOT_JUDGED)) return [];
      const texts = readFileSync(path, 'utf8').split('\n');
      const lines = Object.entries(this.map.fileCoverageFor(path).getLineCoverage());
      return lines.map(([line, count]) => ({
        file,
        line: Number(line),
        text: texts[Number(line) - 1].trim(),
        count,
      }));
    });
  }
}
