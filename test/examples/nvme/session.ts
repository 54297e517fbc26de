import { completionsAt, Driver, type Fields, pattern, submissionsAt } from './driver.js';

export const DATA = 0x8000;
export const LOG = 0xc000;
export const MESSAGE_CONTROL = 0x82;
export const flush: Fields = { opcode: 0, namespace: 1 };
export const write: Fields = { opcode: 1, namespace: 1, prp1: DATA, dwords: { 10: 5, 12: 3 } };
export const read: Fields = { opcode: 2, namespace: 1, prp1: DATA + 0x1000, dwords: { 10: 6, 12: 1 } };
export const request = (id: number): Fields => ({ opcode: 0x0c, id });
export const logPage = (page: number, dwords: number): Fields => ({
  opcode: 2,
  namespace: 0xffffffff,
  prp1: LOG,
  dwords: { 10: page | ((dwords - 1) << 16) },
});
export const setFeature = (feature: number, value: number): Fields => ({
  opcode: 9,
  dwords: { 10: feature, 11: value },
});
export const getFeature = (feature: number, value = 0): Fields => ({
  opcode: 10,
  dwords: { 10: feature, 11: value },
});
export const createCompletions = (id: number, size: number, dword11: number): Fields => ({
  opcode: 5,
  prp1: completionsAt(id),
  dwords: { 10: id | ((size - 1) << 16), 11: dword11 },
});
export const createSubmissions = (id: number, size: number, completions: number): Fields => ({
  opcode: 1,
  prp1: submissionsAt(id),
  dwords: { 10: id | ((size - 1) << 16), 11: (completions << 16) | 1 },
});
export const deleteSubmissions = (id: number): Fields => ({ opcode: 0, dwords: { 10: id } });
export const deleteCompletions = (id: number): Fields => ({ opcode: 4, dwords: { 10: id } });

export function submit(driver: Driver, queue: number, ...commands: Fields[]): void {
  for (const fields of commands) driver.push(queue, fields);
  driver.ring(queue);
}

/** Admin queues of 8 and I/O queues 1 to 3, of which 2 wraps and is full soon. */
export function begin(): Driver {
  const driver = new Driver().probe().enable(8);
  for (const [id, size] of [
    [1, 8],
    [2, 3],
    [3, 4],
  ]) {
    driver.createQueue(id, size);
  }
  driver.ram.bytes.set(pattern(0x4000), DATA);
  driver.sent();
  return driver;
}

/** A session with something of everything. */
export function busy(): Driver {
  const driver = begin();
  driver.mask(2, true);
  submit(driver, 2, write, read);
  submit(driver, 2, flush);
  submit(driver, 0, request(700), setFeature(6, 0), setFeature(9, 0x10001), { opcode: 0xdd });
  driver.take(0);
  driver.write(0x0c, 6);
  return driver;
}
