// node test/conform-reference.mjs FOLDER...
import { runnerImport } from 'vite';

const { module } = await runnerImport('./test/conform/replay-reference.ts');
process.exitCode = await module.replayReference(process.argv.slice(2));
