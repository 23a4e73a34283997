/**
 * Gives the endpoints of a frontend their indexes 0 to n-1. Who stays keeps its index if that still exists; holes are
 * filled by those whose index does not, then by new ones. So one endpoint more or less changes two indexes at most.
 */
export function assignSlots(previous: readonly string[], endpoints: readonly string[]): readonly string[] {
  if (previous.length === 0 || isSame(previous, endpoints)) return endpoints;
  const slots: (string | undefined)[] = new Array(endpoints.length).fill(undefined);
  const unplaced = new Set(endpoints);
  for (const [index, endpoint] of previous.slice(0, slots.length).entries()) {
    if (unplaced.delete(endpoint)) slots[index] = endpoint;
  }
  const moving = previous.slice(slots.length).filter((endpoint) => unplaced.delete(endpoint));
  const queue = [...moving, ...unplaced];
  let next = 0;
  return slots.map((endpoint) => endpoint ?? queue[next++] ?? '');
}

function isSame(previous: readonly string[], endpoints: readonly string[]): boolean {
  return (
    previous.length === endpoints.length && previous.every((endpoint, index) => endpoint === endpoints[index])
  );
}
