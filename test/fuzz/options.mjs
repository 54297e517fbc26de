// What both fuzzers are given: --seconds N, --seed S, --merge, --help.
import { parseArgs } from 'node:util';

/** Ends the program `name` with a line. */
export function fail(name, status, line) {
  console.error(`${name}: ${line}`);
  process.exit(status);
}

/** Ends the program where an option is wrong, or is --help. */
export function options(name, help) {
  const string = (byDefault) => ({ type: 'string', default: byDefault });
  const boolean = { type: 'boolean', default: false };
  const natural = (option, text) => {
    if (!/^\d{1,9}$/.test(text)) fail(name, 2, `--${option} ${text} is not an integer in [0, 10^9)`);
    return Number(text);
  };
  try {
    const { values } = parseArgs({
      options: { seconds: string('60'), seed: string('1'), merge: boolean, help: boolean },
    });
    if (values.help) {
      console.log(help.trim());
      process.exit(0);
    }
    const seconds = natural('seconds', values.seconds);
    if (seconds === 0) fail(name, 2, '--seconds 0: at least 1');
    return { seconds, seed: natural('seed', values.seed), merge: values.merge };
  } catch (error) {
    fail(name, 2, `${error.message.split(/\.\s/)[0]}; options are --seconds N, --seed S, --merge and --help`);
  }
}
