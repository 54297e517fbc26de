import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The source of an entry; of a module in WebAssembly, its declaration. */
const source = (entry) =>
  entry.default.endsWith('.js')
    ? entry.default.replace(/^\.\/dist\/(.*)\.js$/, '../../$1.ts')
    : entry.types.replace(/^\./, '../..');

export default {
  name: 'Trapline',
  entryPoints: Object.values(exports)
    .filter((entry) => typeof entry === 'object')
    .map(source),
  tsconfig: 'tsconfig.json',
  readme: '../../README.md',
  out: '../../build/docs',
  disableSources: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  excludeExternals: true,
  // Arrays from which types are made whose values the comments say.
  intentionallyNotExported: [
    'src/audit/finding.ts:severities',
    'src/diagnostics.ts:CODES',
    'src/regions/opregion-fields.ts:DRIVER',
  ],
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
  },
  requiredToBeDocumented: [
    'Module',
    'Enum',
    'EnumMember',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Property',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  treatWarningsAsErrors: true,
};
