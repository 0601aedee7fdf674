/** Objects in one message of a streamed list, as containerd sends them. */
const PAGE = 100;

/** Groups of at most 100, so that no message of a long list comes near the size that clients accept. */
export async function* inPages<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
