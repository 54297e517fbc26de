export function writeSeeds(folder: string): void;
