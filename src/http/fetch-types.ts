/** A fetch of the type of the global one. */
export type Fetch = typeof globalThis.fetch;

/** What fetch takes; said by its type, so that no DOM types are needed. */
export type FetchInput = Parameters<Fetch>[0];
export type FetchInit = NonNullable<Parameters<Fetch>[1]>;
export type HeadersInit = NonNullable<FetchInit["headers"]>;
export type RedirectMode = NonNullable<FetchInit["redirect"]>;
