/**
 * xterm.js writes its rules into <style> elements and some colours into style attributes. The policy `style-src 'self'`
 * blocks both; it does not block what script does by way of CSSOM, and so that is what becomes of them.
 */
export function stylesByScript(): void {
  const create = document.createElement.bind(document);
  document.createElement = (tag: string, options?: ElementCreationOptions) => {
    if (tag === 'style') return constructedStyle(create('template'));
    const made = create(tag, options);
    return tag === 'span' ? withoutStyleAttribute(made) : made;
  };
}

/** In place of a <style> element: its text is a sheet of the document's until it is removed. */
function constructedStyle(stand: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(stand, 'textContent', { set: (text: string) => sheet.replaceSync(text) });
  stand.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(stand);
  };
  return stand;
}

function withoutStyleAttribute(made: HTMLElement): HTMLElement {
  made.setAttribute = (name, value) => {
    if (name === 'style') made.style.cssText = value;
    else Element.prototype.setAttribute.call(made, name, value);
  };
  return made;
}
