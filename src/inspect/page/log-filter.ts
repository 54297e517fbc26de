/** What a text must hold, and what it must not. */
export interface LogFilter {
  readonly with: readonly string[];
  readonly without: readonly string[];
}

/** Words apart by spaces, all of which must be there; `"a phrase"` is one, `-word` must not be there. */
export function parseFilter(text: string): LogFilter {
  const words = [...text.toLowerCase().matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)].map(
    ([, minus, phrase, word]) => ({
      excluded: minus === '-',
      text: phrase ?? word,
    }),
  );
  const of = (excluded: boolean) =>
    words.filter((word) => word.excluded === excluded && word.text !== '').map((word) => word.text);
  return { with: of(false), without: of(true) };
}

export function matches(filter: LogFilter, text: string): boolean {
  const lower = text.toLowerCase();
  return (
    filter.with.every((word) => lower.includes(word)) && !filter.without.some((word) => lower.includes(word))
  );
}
