/**
 * Whether a text as a whole fits a pattern: `*` stands for any characters but `/`, `**` for any at all, everything else for itself. The time
 * is bounded by the product of both lengths, whatever the pattern.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.match(/\*\*|[^]/g) ?? [];
  const isStar = (at: number): boolean => parts[at] === '*' || parts[at] === '**';
  /** Adds what is reached from a place without any character. */
  const reach = (places: Set<number>, at: number): void => {
    places.add(at);
    for (let next = at; isStar(next); next += 1) places.add(next + 1);
  };
  let places = new Set<number>();
  reach(places, 0);
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    const after = new Set<number>();
    for (const at of places) {
      if (parts[at] === '**' || (parts[at] === '*' && character !== '/')) reach(after, at);
      else if (!isStar(at) && parts[at] === character) reach(after, at + 1);
    }
    places = after;
  }
  return places.has(parts.length);
}
