/**
 * A document for xterm.js, which writes its rules into <style> elements and some colours into style attributes. The
 * policy `style-src 'self'` blocks both; it does not block what script does by way of CSSOM, and so that is what becomes of them.
 */
export function documentWithoutInlineStyles(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') return createElement;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

function createElement(tag: string): HTMLElement {
  return tag === 'style' ? constructedStyle() : withoutStyleAttribute(document.createElement(tag));
}

/** In place of a <style> element: its text is a sheet of the document's while the element lives. */
function constructedStyle(): HTMLElement {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  const stand = document.createElement('template');
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
