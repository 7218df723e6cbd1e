import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";

/** How an endpoint's entry is named and written. */
export interface EntryCodec<Entry> {
  /** Names the entry may stand under; the first is the one it is written to. */
  names(endpoint: ResolvedEndpoint): Promise<readonly string[]>;
  /** Names the endpoint's lease: the same in every process that may share the entry. */
  leaseName(endpoint: ResolvedEndpoint): Promise<string>;
  /** @param clockLeadMs how much the cache's clock is ahead of this process's. */
  write(endpoint: ResolvedEndpoint, entry: Entry, clockLeadMs: number): Promise<unknown>;
  /** @returns undefined for what can't be read: not ours, changed, or of another format. */
  read(endpoint: ResolvedEndpoint, value: unknown, found: Found): Promise<Entry | undefined>;
}

interface Found {
  /** Index of the name that the value was found under. */
  readonly name: number;
  readonly clockLeadMs: number;
}

/** For the memory of this process: entries as they are. */
export function plainEntries<Entry>(
  isEntry: (value: unknown) => value is Entry,
): EntryCodec<Entry> {
  return {
    names: async ({ identity }) => [identity],
    leaseName: async ({ identity }) => `${identity}:lease`,
    write: async (_, entry) => entry,
    read: async (_, value) => (isEntry(value) ? value : undefined),
  };
}
