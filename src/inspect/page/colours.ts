const DARK = matchMedia('(prefers-color-scheme: dark)');

/** A colour of the palette, as the reader's system has it. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Light became dark, or dark light. */
export const onColoursChanged = (changed: () => void): void => DARK.addEventListener('change', changed);
