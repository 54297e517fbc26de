/** Makes `count` accesses and returns a sum that depends on all of them. */
export type Loop = (count: number) => number;

/**
 * The one loop of all measurements from JavaScript, floor included. V8 keeps type feedback by source text: each gets
 * a text of its own, so that none pays for what another calls. What it calls is a constant of its scope, as in a
 * module that keeps its dispatcher in a `const`: as a parameter V8 would fold it for some and not for others, by the
 * size of what it calls.
 */
export function loop<Subject>(
  name: string,
  body: string,
  subject: Subject,
  addresses: Float64Array,
  values: Uint32Array,
): Loop {
  const make = new Function(
    'subject',
    'addresses',
    'values',
    `// ${name}
    return (count) => {
      let sum = 0;
      for (let index = 0; index < count; index++) {
        const address = addresses[index];
        ${body}
      }
      return sum;
    };`,
  );
  return make(subject, addresses, values) as Loop;
}

export const READ = 'sum = (sum + subject.read(address, 4)) | 0;';
export const WRITE = 'if (subject.write(address, 4, values[index])) sum++;';
/** The dispatcher's signature. */
export const FLOOR_WRITE = 'if (subject.write(address, 4, values[index], 0) === 0) sum++;';
