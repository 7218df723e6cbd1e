import type { OAuth2Endpoint, ParsedEndpoint } from "../../configuration/parsed-endpoint.ts";
import { ClientCertificates } from "../../credentials/client-certificate.ts";
import { DpopKeys } from "../../credentials/dpop-key.ts";
import { FileReads } from "../../credentials/file-reads.ts";
import { readSecrets, type Secret } from "../../credentials/secrets.ts";
import { Identity } from "../../endpoint/identity.ts";
import { resolveEndpoint } from "../../endpoint/resolve-endpoint.ts";
import { type ResolvedTransport, resolveTransport } from "../../endpoint/resolved-transport.ts";
import { type Finding, passed, skipped } from "./step.ts";

/** What the secrets of an endpoint were needed for. */
export interface ReadSecrets {
  readonly finding: Finding;
  readonly transport: ResolvedTransport | undefined;
}

/** Reads every credential of an endpoint, as a request would. @throws ConfigurationError, SecretUnavailableError */
export async function readAllSecrets(
  endpoint: ParsedEndpoint,
  label: string,
): Promise<ReadSecrets> {
  if (endpoint.type === "oauth2") return ofOAuth2(endpoint);
  const reader = { endpoint: label, timeoutMs: endpoint.secretTimeoutMs };
  const fields = ["username", "password", "apiKey", "token"] as const;
  const given = fields.flatMap((name) => {
    const secret: unknown = Reflect.get(endpoint, name);
    return secret === undefined ? [] : [[name, secret as Secret] as const];
  });
  const names = Object.keys(await readSecrets(Object.fromEntries(given), reader));
  const transport =
    endpoint.transport &&
    (await resolveTransport(endpoint.transport, new ClientCertificates(), reader));
  return { finding: passed(`${names.join(", ")} can be read`), transport };
}

async function ofOAuth2(endpoint: OAuth2Endpoint): Promise<ReadSecrets> {
  const { credentials, keys, externalAssertion, transport } = await resolveEndpoint(endpoint, {
    identity: new Identity(),
    dpopKeys: new DpopKeys(),
    files: new FileReads(),
    clientCertificates: new ClientCertificates(),
  });
  const names = [
    ...Object.keys(credentials),
    ...Object.keys(keys).filter((name) => name !== "dpop" || endpoint.dpop !== true),
    ...(externalAssertion === undefined ? [] : ["clientAssertion"]),
    ...(transport?.clientCertificate === undefined ? [] : ["transport.clientCertificate"]),
  ];
  const finding =
    names.length === 0
      ? skipped("the endpoint needs none")
      : passed(`${names.join(", ")} can be read`);
  return { finding, transport };
}
