import { formatSbdf, type Sbdf } from '../sbdf.js';

/** Segment and bus, as the upper bits of an SBDF. */
export const busOf = (sbdf: Sbdf): number => Math.floor(sbdf / 256);

/** Bus 0 of a segment. */
export const isRootBus = (bus: number): boolean => bus % 256 === 0;

/** `0000:01` */
export const busText = (bus: number): string => formatSbdf(bus * 256).slice(0, 7);
