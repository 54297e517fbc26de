const TOKEN = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
const REFERENCE = /&(?:amp|lt|gt|quot|apos|#\d+);/g;

/** What keeps a text from being well-formed XML, in elements, attributes and text. Undefined: nothing. */
export function faultOf(xml: string): string | undefined {
  const open: string[] = [];
  let roots = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < xml.length) {
    const place = TOKEN.lastIndex;
    const found = TOKEN.exec(xml);
    if (!found) return `no markup at ${place}: ${xml.slice(place, place + 40)}`;
    const [whole, end, name, attributes, empty, text] = found;
    if (whole.replaceAll(REFERENCE, '').includes('&')) return `a bare & at ${place}`;
    if (text !== undefined) {
      if (open.length === 0 && text.trim() !== '') return `text outside of the root at ${place}`;
      continue;
    }
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map(([, attribute]) => attribute);
    if (new Set(names).size < names.length) return `an attribute twice at ${place}`;
    if (end) {
      if (open.pop() !== name) return `</${name}> ends nothing at ${place}`;
      continue;
    }
    if (open.length === 0 && ++roots > 1) return `a second root at ${place}`;
    if (!empty) open.push(name);
  }
  if (roots === 0) return 'no root';
  return open.length > 0 ? `<${open.at(-1)}> has no end` : undefined;
}
