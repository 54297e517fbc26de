/** `1,247` */
export const number = (value: number): string => value.toLocaleString('en-US');

/** `1 read`, `1,247 reads` */
export const many = (count: number, one: string, more = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : more}`;
