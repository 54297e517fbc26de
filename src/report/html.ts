/** Text as HTML content or a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

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

/** A page that needs nothing else. `title` is HTML, `styles` and `script` are what they are. */
export const document = (
  title: string,
  styles: string,
  body: string,
  script: string,
): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${styles}</style>
</head>
<body>
${body}
<script>${script}</script>
</body>
</html>
`;
