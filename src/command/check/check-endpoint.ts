import type { EndpointConfig } from "../../configuration/endpoint-config.ts";
import { EndpointParser } from "../../configuration/parse-endpoint.ts";
import { parseFilled } from "../../configuration/parse-filled.ts";
import type { OAuth2Endpoint, ParsedEndpoint } from "../../configuration/parsed-endpoint.ts";
import type { ResolvedTransport } from "../../endpoint/resolved-transport.ts";
import { EndpointSecurity } from "../../endpoint-security.ts";
import { ConfigurationError, type ConfigurationProblem } from "../../errors.ts";
import { grantRegistry } from "../../grants/registry.ts";
import { Dispatchers } from "../../http/dispatchers.ts";
import type { Fetch } from "../../http/fetch-types.ts";
import { issuerMetadata } from "../../oauth/issuer-metadata.ts";
import { readOptions } from "../../options.ts";
import type { TokenSet } from "../../tokens/token-set.ts";
import { checkBackend } from "./backend-step.ts";
import { checkDns } from "./dns-step.ts";
import { findingOf } from "./error-finding.ts";
import type { LoadedFile, WrittenEndpoint } from "./loaded-file.ts";
import { checkProxy } from "./proxy-step.ts";
import { readAllSecrets } from "./secrets-step.ts";
import { type Finding, passed, type Step, type StepName, skipped, together } from "./step.ts";
import { placeOf, type Target, targetsOf } from "./target.ts";
import { checkTls } from "./tls-step.ts";
import { checkClock, checkToken } from "./token-steps.ts";

export interface CheckOptions {
  /** Where to look at the backend; by default its `url`. */
  readonly path: string | undefined;
  /** Called before each step. */
  readonly begins: (step: StepName) => void;
}

/** An endpoint, and what was found of it. */
export interface CheckedEndpoint {
  readonly endpoint: string;
  readonly ok: boolean;
  readonly steps: readonly Step[];
}

export async function checkEndpoint(
  written: WrittenEndpoint,
  file: LoadedFile,
  options: CheckOptions,
): Promise<CheckedEndpoint> {
  const steps = await new EndpointCheck(written, file, options).run();
  return {
    endpoint: written.name,
    ok: steps.every(({ status }) => status !== "failed"),
    steps,
  };
}

/** One run over the steps: each needs what the ones before found. */
class EndpointCheck {
  readonly #written: WrittenEndpoint;
  readonly #file: LoadedFile;
  readonly #options: CheckOptions;
  readonly #steps: Step[] = [];
  readonly #failedFields = new Set<Target["field"]>();
  #config: unknown;
  #date: { readonly text: string; readonly receivedAt: number } | undefined;

  constructor(written: WrittenEndpoint, file: LoadedFile, options: CheckOptions) {
    this.#written = written;
    this.#file = file;
    this.#options = options;
    this.#config = written.config;
  }

  async run(): Promise<readonly Step[]> {
    let missing: readonly ConfigurationProblem[] = [];
    const endpoint = await this.#take("configuration", async () => {
      const { defaults, grants = [] } = this.#file;
      const parser = new EndpointParser(grantRegistry(grants), readOptions(defaults ?? {}));
      const filled = parseFilled(this.#written.config, parser, process.env);
      this.#config = filled.config;
      ({ missing } = filled);
      if (filled.problems.length > 0) throw new ConfigurationError({ problems: filled.problems });
      const finding =
        filled.endpoint === undefined
          ? skipped("it needs variables that are not set")
          : shapeOf(filled.endpoint);
      return [finding, filled.endpoint];
    });
    const secrets = await this.#take("secrets", async () => {
      if (missing.length > 0) throw new ConfigurationError({ problems: missing });
      if (endpoint === undefined) {
        return [skipped("not read: the configuration is wrong"), undefined];
      }
      const read = await readAllSecrets(endpoint, this.#written.name);
      return [read.finding, read];
    });
    if (endpoint !== undefined) await this.#checkServers(endpoint, secrets?.transport);
    if (endpoint !== undefined && secrets !== undefined) {
      await this.#checkRequests(endpoint, secrets.transport);
    }
    return this.#steps;
  }

  async #checkServers(endpoint: ParsedEndpoint, transport: ResolvedTransport | undefined) {
    const targets = targetsOf(endpoint);
    await this.#atEach("dns", targets, checkDns);
    await this.#atEach("proxy", targets, (target) => checkProxy(target, endpoint.transport));
    await this.#atEach("tls", targets, (target) => checkTls(target, transport));
  }

  async #checkRequests(endpoint: ParsedEndpoint, transport: ResolvedTransport | undefined) {
    const config = this.#config as EndpointConfig;
    const { defaults, grants } = this.#file;
    const fetch = this.#recordingFetch();
    await using security = new EndpointSecurity({ ...defaults, grants: grants ?? [], fetch });
    let hasToken = endpoint.type !== "oauth2";
    if (endpoint.type === "oauth2") {
      const token = await this.#requestToken(security, endpoint, { fetch, transport });
      hasToken = token !== undefined;
    }
    await this.#take("backend", async () => {
      const { url } = endpoint;
      if (url === undefined) return [skipped("url is not set"), undefined];
      if (!hasToken) return [skipped("not tried without a token"), undefined];
      if (this.#failedFields.has("url")) return [skipped("it can't be reached"), undefined];
      const backendFetch = security.wrapFetch({ ...config, url });
      const explain = () => security.explain(config);
      const at = this.#options.path ?? url;
      return [await checkBackend({ url: at, fetch: backendFetch, explain }), undefined];
    });
  }

  async #requestToken(
    security: EndpointSecurity,
    endpoint: OAuth2Endpoint,
    {
      fetch,
      transport,
    }: { readonly fetch: Fetch; readonly transport: ResolvedTransport | undefined },
  ): Promise<TokenSet | undefined> {
    const { issuer } = endpoint;
    const isReachable = !this.#failedFields.has("tokenUrl") && !this.#failedFields.has("issuer");
    const discovered =
      issuer === undefined ||
      !isReachable ||
      (await this.#take("discovery", async () => {
        const dispatchers = new Dispatchers();
        const by = transport === undefined ? fetch : await dispatchers.fetch(transport, fetch);
        const signal = AbortSignal.timeout(endpoint.tokenRequest.timeoutMs);
        const asking = { endpoint: this.#written.name, fetch: by, signal };
        const { tokenEndpoint } = await issuerMetadata(issuer, asking).finally(() =>
          dispatchers.close(),
        );
        return [passed(`the token endpoint is ${String(tokenEndpoint)}`), true];
      }));
    const token = await this.#take("token request", async () => {
      if (!isReachable || !discovered) return [skipped("it can't be reached"), undefined];
      const config = this.#config as EndpointConfig;
      const requested = await security.getToken(config);
      const { tokenUrl } = security.explain(config);
      return [
        passed(`a token from ${placeOf(new URL(tokenUrl ?? endpoint.tokenUrl ?? ""))}`),
        requested,
      ];
    });
    if (token !== undefined) {
      await this.#take("token", async () => [checkToken(token, endpoint), undefined]);
    }
    if (this.#date !== undefined) {
      const { text, receivedAt } = this.#date;
      await this.#take("clock", async () => [checkClock(text, receivedAt), undefined]);
    }
    return token;
  }

  /** Takes a step, and keeps what it found. @returns what later steps need, unless it failed */
  async #take<T>(
    step: StepName,
    work: () => Promise<readonly [Finding, T]>,
  ): Promise<T | undefined> {
    this.#options.begins(step);
    const start = performance.now();
    let finding: Finding;
    let result: T | undefined;
    try {
      [finding, result] = await work();
    } catch (error) {
      finding = findingOf(error);
    }
    this.#steps.push({ step, durationMs: Math.round(performance.now() - start), ...finding });
    return finding.status === "failed" ? undefined : result;
  }

  /** The same for each server that wasn't found to be out of reach. */
  async #atEach(
    step: StepName,
    targets: readonly Target[],
    check: (target: Target) => Promise<Finding>,
  ): Promise<void> {
    const reachable = targets.filter(({ field }) => !this.#failedFields.has(field));
    if (reachable.length === 0) return;
    await this.#take(step, async () => {
      const findings = await Promise.all(
        reachable.map(async (target) => {
          const finding = await check(target).catch(findingOf);
          if (finding.status === "failed") this.#failedFields.add(target.field);
          return finding;
        }),
      );
      return [together(findings), undefined];
    });
  }

  /** The time of the server that tokens come from. */
  #recordingFetch(): Fetch {
    return async (input, init) => {
      const response = await globalThis.fetch(input, init);
      const text = response.headers.get("date");
      if (text !== null) this.#date = { text, receivedAt: Date.now() };
      return response;
    };
  }
}

function shapeOf(endpoint: ParsedEndpoint): Finding {
  return passed(endpoint.type === "oauth2" ? `oauth2, ${endpoint.grantType}` : endpoint.type);
}
