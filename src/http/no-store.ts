/**
 * For requests of the library's own: Next.js patches fetch, and would keep tokens on disk for a year.
 * An object, since the types of Node 20's fetch don't know `cache`.
 */
export const noStore: object = { cache: "no-store" };
