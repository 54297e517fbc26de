/** Moves places in [low, high] as little as is needed for `gap` between each two, keeping their order. */
export function spread(places: readonly number[], gap: number, low: number, high: number): number[] {
  const order = places.map((_, index) => index).sort((one, other) => places[one] - places[other]);
  const moved = new Array<number>(places.length);
  // Down, each below the one before; then up again from the end, where that went too far.
  let least = low;
  for (const index of order) {
    moved[index] = Math.max(places[index], least);
    least = moved[index] + gap;
  }
  let most = high;
  for (const index of order.reverse()) {
    moved[index] = Math.min(moved[index], most);
    most = moved[index] - gap;
  }
  return moved;
}
