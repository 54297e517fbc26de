/** Text as HTML content or a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const hex = (value: number): string => `0x${value.toString(16)}`;

/** A table of text cells; `numeric` columns are aligned to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly number[] = [],
): string {
  const cell = (tag: string) => (text: string, column: number) =>
    `<${tag}${numeric.includes(column) ? ' class="n"' : ''}>${escapeHtml(text)}</${tag}>`;
  const row = (tag: string, texts: readonly string[]) => `<tr>${texts.map(cell(tag)).join('')}</tr>`;
  return `<div class="scroll"><table><thead>${row('th', head)}</thead><tbody>${rows
    .map((texts) => row('td', texts))
    .join('\n')}</tbody></table></div>`;
}
