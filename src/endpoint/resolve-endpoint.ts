import { type KeySource, labelOf, type OAuth2Endpoint } from "../configuration/parsed-endpoint.ts";
import type { ClientCertificates } from "../credentials/client-certificate.ts";
import type { DpopKeys } from "../credentials/dpop-key.ts";
import { externalAssertion } from "../credentials/external-assertion.ts";
import type { FileReads } from "../credentials/file-reads.ts";
import { readPrivateKey, type SigningKey } from "../credentials/private-key.ts";
import { type ClientSecret, readSecrets, type Secret } from "../credentials/secrets.ts";
import type { Identity } from "./identity.ts";
import { identityFields } from "./identity-fields.ts";
import type { ResolvedEndpoint } from "./resolved-endpoint.ts";
import { resolveTransport } from "./resolved-transport.ts";

/** What the endpoints of an instance share for reading their credentials. */
export interface ResolverDependencies {
  readonly identity: Identity;
  readonly dpopKeys: DpopKeys;
  readonly files: FileReads;
  readonly clientCertificates: ClientCertificates;
}

/**
 * Reads an endpoint's credentials as they are now.
 * @param which of several client secrets: each makes an endpoint of its own
 */
export async function resolveEndpoint(
  endpoint: OAuth2Endpoint,
  { identity, dpopKeys, files, clientCertificates }: ResolverDependencies,
  which = 0,
): Promise<ResolvedEndpoint> {
  const label = labelOf(endpoint);
  const reader = { endpoint: label, timeoutMs: endpoint.tokenRequest.timeoutMs };
  const { clientSecret, dpop, grant } = endpoint;
  const secrets = { clientSecret: secretAt(clientSecret, which), ...grant.secrets };
  const [credentials, signing, bound, assertion, transport] = await Promise.all([
    readSecrets(secrets, reader),
    Promise.all(endpoint.keys.map((key) => readKey(key, reader))),
    dpop === false ? undefined : dpopKeys.of(dpop, label),
    externalAssertion(endpoint, files, reader),
    endpoint.transport && resolveTransport(endpoint.transport, clientCertificates, reader),
  ]);
  const keys = Object.fromEntries<SigningKey>([
    ...signing,
    ...(bound ? [["dpop", bound] as const] : []),
  ]);
  const identities = Object.entries(keys).map(([name, key]) => [name, key.identity]);
  return {
    identity: await identity.of(
      identityFields(endpoint),
      {
        ...credentials,
        ...Object.fromEntries(identities),
        ...(assertion !== undefined && { clientAssertion: assertion.identity }),
      },
      // What came from a server that others don't trust isn't theirs to send.
      {
        clientCertificate: transport?.clientCertificate?.fingerprint,
        ca: transport?.settings.ca,
      },
    ),
    label,
    settings: endpoint,
    tokenUrl: endpoint.tokenUrl ?? endpoint.issuer ?? "",
    strategy: grant.strategy,
    fields: grant.fields,
    credentials,
    keys,
    externalAssertion: assertion,
    transport,
  };
}

/** How many client secrets there are to try. */
export function secretCountOf({ clientSecret }: OAuth2Endpoint): number {
  return typeof clientSecret === "object" ? clientSecret.length : 1;
}

function secretAt(secret: ClientSecret | undefined, which: number): Secret | undefined {
  return typeof secret === "object" ? secret[which] : secret;
}

async function readKey(
  { field, source, ...signature }: KeySource,
  reader: { readonly endpoint: string; readonly timeoutMs: number },
): Promise<readonly [string, SigningKey]> {
  return [field, await readPrivateKey(field, source, { ...signature, ...reader })];
}
