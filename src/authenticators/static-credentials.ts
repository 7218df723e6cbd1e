import { type Check, Problems } from "../checks/check.ts";
import { labelOf, type ParsedEndpoint } from "../configuration/parsed-endpoint.ts";
import { readSecrets, type Secret } from "../credentials/secrets.ts";
import { ConfigurationError } from "../errors.ts";
import { withAbort } from "../waiting/with-abort.ts";

type WithStaticCredentials = Exclude<ParsedEndpoint, { readonly type: "oauth2" }>;

/**
 * The values of an endpoint's credentials, read now.
 * @param checks what a function must return to be sent.
 * @throws ConfigurationError, SecretUnavailableError
 */
export async function readCredentials<Name extends string>(
  endpoint: WithStaticCredentials,
  secrets: Readonly<Record<Name, Secret>>,
  {
    checks = {},
    signal,
  }: { readonly checks?: Partial<Record<Name, Check>>; readonly signal?: AbortSignal | undefined },
): Promise<Readonly<Record<Name, string>>> {
  const label = labelOf(endpoint);
  const reader = { endpoint: label, timeoutMs: endpoint.secretTimeoutMs };
  const values = await withAbort(readSecrets(secrets, reader), signal);
  const problems = new Problems();
  for (const [name, check] of Object.entries<Check | undefined>(checks)) {
    check?.(values[name as Name], `${name}()`, problems);
  }
  if (problems.list.length > 0) {
    throw new ConfigurationError({ endpoint: label, problems: problems.list });
  }
  return values;
}
