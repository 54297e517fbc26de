/** Records the calls of a sink as lists: method, arguments. */
export function recordedCalls<Sink extends object>(
  answers: Partial<Sink> = {},
): { sink: Sink; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const sink = new Proxy({} as Sink, {
    get: (_, name) =>
      answers[name as keyof Sink] ??
      ((...args: unknown[]) => {
        calls.push([name, ...args]);
      }),
  });
  return { sink, calls };
}

export function feed(parser: { line(bytes: Uint8Array, start: number, end: number): string | undefined }) {
  return (...lines: string[]): (string | undefined)[] =>
    lines.map((line) => {
      // A parser must heed where its line is.
      const bytes = Buffer.from(`R 4 ${line}\nW 8 0x0123456789abcdef`);
      return parser.line(bytes, 4, 4 + Buffer.byteLength(line));
    });
}
