/** An image of `units` * 512 bytes; its PCI data structure stands at `structure`. */
export function image(units: number, last: boolean, structure = 0x1c): number[] {
  const bytes = Array.from({ length: units * 512 }, (_, index) => (index * 5 + units) & 0xff);
  const put = (offset: number, ...values: number[]) => bytes.splice(offset, values.length, ...values);
  put(0, 0x55, 0xaa);
  put(0x18, structure & 0xff, structure >> 8);
  put(structure, 0x50, 0x43, 0x49, 0x52);
  put(structure + 0x10, units & 0xff, units >> 8);
  put(structure + 0x15, last ? 0x80 : 0x00);
  return bytes;
}
