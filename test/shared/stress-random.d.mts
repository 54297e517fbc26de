export declare function random(seed: number): (bound: number) => number;
