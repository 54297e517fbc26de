type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with attributes and content; `false` and undefined leave an attribute out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...content);
  return made;
}

/** What index.html has under this id. */
export function byId<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

/** Sets text where it is another, so that what did not change is not drawn again. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute where it is another. */
export function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A button with two states: what is read of it is its name and whether it is pressed. */
export function toggle(name: string, title: string, pressed: (on: boolean) => void): HTMLButtonElement {
  const button = element('button', { type: 'button', 'aria-pressed': 'false', title }, name);
  button.addEventListener('click', () => pressed(button.getAttribute('aria-pressed') !== 'true'));
  return button;
}

/** A button that does something. */
export function action(name: string, title: string, pressed: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', title }, name);
  button.addEventListener('click', pressed);
  return button;
}
