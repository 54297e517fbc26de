import type { ReplayedFile } from '../trace/replay-file.js';
export const reportPage = (_file: ReplayedFile): string => '';
