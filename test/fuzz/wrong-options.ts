/** Arguments that both fuzzers refuse. */
export const WRONG_OPTIONS: readonly [string[]][] = [
  [['--seconds', '0']],
  [['--seconds', 'x']],
  [['--seed', 'one']],
  [['--seed=-1']],
  [['--seed', '-1']],
  [['--other']],
];
