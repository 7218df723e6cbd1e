import type { EndpointConfig } from "../configuration/endpoint-config.ts";
import type { Cursor } from "./cursor.ts";

/** What API Manager keeps apart: the real backend, and the one for trying out. */
export type Stage = "production" | "sandbox";
export const stages: readonly Stage[] = ["production", "sandbox"];

/** How a backend is secured, without its address; undefined where it isn't, or can't be read. */
export type Security = WithoutUrl<EndpointConfig>;
type WithoutUrl<Config> = Config extends unknown ? Omit<Config, "url"> : never;

/** What one backend of an API was found to be. */
export interface FoundEndpoint {
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly security: Security | undefined;
}

export type FoundEndpoints = Partial<Record<Stage, FoundEndpoint>>;

/** The address of a backend, from a list of them if there is one: the first. */
export function firstUrl(place: Cursor, others: string): string | undefined {
  const [first, ...more] = Array.isArray(place.value) ? place.items() : [place];
  for (const one of more) {
    const note = `is one of ${others}: this library calls one address`;
    one.left(note, "let a load balancer or DNS choose, and set url to it");
  }
  return first === undefined ? undefined : urlOf(first);
}

/** The address itself, or an object with it. */
export function urlOf(place: Cursor): string | undefined {
  const address = typeof place.value === "string" ? place : place.any("url", "value");
  const url = address.text();
  if (url === undefined) return undefined;
  address.carried("url");
  return url;
}
