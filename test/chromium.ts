/** The distribution's, since test tools cannot download one where only package registries are reached. */
export const CHROMIUM = '/usr/bin/chromium';

/** As root, without a graphics card, and without requests of its own. */
export const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
