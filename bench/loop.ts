/** Runs `count` accesses at `addresses` and returns a sum that depends on all of them. */
export type Loop<Subject> = (
  subject: Subject,
  addresses: Float64Array,
  values: Uint32Array,
  count: number,
) => number;

/**
 * The one loop of all measurements from JavaScript, floor included. V8 keeps type feedback by source text: each gets
 * a text of its own, so that none pays for what another calls.
 */
export function loop<Subject>(name: string, body: string): Loop<Subject> {
  return new Function(
    'subject',
    'addresses',
    'values',
    'count',
    `// ${name}
    let sum = 0;
    for (let index = 0; index < count; index++) {
      const address = addresses[index];
      ${body}
    }
    return sum;`,
  ) as Loop<Subject>;
}

export const READ = 'sum = (sum + subject.read(address, 4)) | 0;';
export const WRITE = 'if (subject.write(address, 4, values[index])) sum++;';
/** The core's own signature. */
export const FLOOR_WRITE = 'if (subject.write(address, 4, values[index], 0) === 0) sum++;';
