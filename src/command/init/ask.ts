import type { Readable, Writable } from "node:stream";
import { isCancel, password, select, text } from "@clack/prompts";
import type { EndpointType } from "../../configuration/endpoint-config.ts";
import { type Answers, type AuthMethod, type Known, secretFieldsOf } from "./answers.ts";

/** Where the questions are asked. */
export interface Terminal {
  readonly input?: Readable;
  readonly output?: Writable;
}

/** The user pressed Ctrl-C. */
export class CancelledError extends Error {}

/** Asks for everything that isn't known yet. @throws CancelledError */
export async function ask(known: Known, terminal: Terminal = {}): Promise<Answers> {
  const name = known.name ?? (await line("What is the endpoint called?", "orders", terminal, word));
  const type = known.type ?? (await choose("What protects it?", types, terminal));
  const url =
    known.url ?? (await line("URL of the backend (empty: none)", "", terminal, urlOrNothing));
  const rest =
    type === "oauth2"
      ? await askOAuth2(known, terminal)
      : { headerName: known.headerName ?? (await askHeaderName(type, terminal)) };
  const answers = { ...known, name, type, url, ...rest };
  const secrets: Record<string, string> = {};
  for (const field of secretFieldsOf(answers)) {
    secrets[field] = await secret(field, terminal);
  }
  return { ...answers, secrets };
}

async function askOAuth2(known: Known, terminal: Terminal) {
  const grantType = known.grantType ?? (await choose("Which grant?", grantTypes, terminal));
  const place = known.issuer || known.tokenUrl ? {} : await askPlace(terminal);
  const clientId = known.clientId ?? (await line("Client id", "", terminal, word));
  const authMethod =
    known.authMethod ?? (await choose("How does the client prove itself?", proofs, terminal));
  const scope = known.scope ?? (await line("Scope (empty: none)", "", terminal));
  const parameters =
    known.parameters ??
    (await line("Further parameters, as audience=…&tenant=… (empty: none)", "", terminal));
  return { grantType, ...place, clientId, authMethod, scope, parameters };
}

async function askPlace(terminal: Terminal): Promise<Pick<Answers, "issuer" | "tokenUrl">> {
  const places = [
    { value: "issuer", label: "Issuer", hint: "the token endpoint is discovered" },
    { value: "tokenUrl", label: "Token URL" },
  ] as const;
  const place = await choose("What is known of the authorization server?", places, terminal);
  const label = place === "issuer" ? "Issuer" : "Token URL";
  return { [place]: await line(label, "", terminal, httpUrl) };
}

async function askHeaderName(type: EndpointType, terminal: Terminal): Promise<string | undefined> {
  return type === "api_key" ? line("Header of the key", "X-API-Key", terminal, word) : undefined;
}

const types = [
  { value: "oauth2", label: "OAuth 2.0" },
  { value: "api_key", label: "API key" },
  { value: "basic", label: "Basic" },
  { value: "digest", label: "Digest" },
  { value: "bearer", label: "Static token" },
] satisfies readonly { value: EndpointType; label: string }[];

const grantTypes = [
  {
    value: "client_credentials",
    label: "Client credentials",
    hint: "the usual one between services",
  },
  { value: "password", label: "Password" },
] as const;

const proofs = [
  {
    value: "client_secret_basic",
    label: "Secret in the Authorization header",
    hint: "the usual one",
  },
  { value: "client_secret_post", label: "Secret in the body" },
  { value: "private_key_jwt", label: "Private key (JWT)" },
  { value: "none", label: "Not at all: a public client" },
] satisfies readonly { value: AuthMethod; label: string; hint?: string }[];

async function line(
  message: string,
  initial: string,
  terminal: Terminal,
  validate: (value: string) => string | undefined = () => undefined,
): Promise<string> {
  const answer = await text({
    message,
    defaultValue: initial,
    ...(initial !== "" && { placeholder: initial }),
    validate: (value) => validate(value === undefined || value === "" ? initial : value),
    ...terminal,
  });
  return given(answer).trim();
}

async function secret(field: string, terminal: Terminal): Promise<string> {
  const message = `${field}, to try it now (never written; empty: don't try)`;
  return given(await password({ message, ...terminal }));
}

async function choose<Value extends string>(
  message: string,
  options: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[],
  terminal: Terminal,
): Promise<Value> {
  const answer = await select<string>({ message, options: [...options], ...terminal });
  return given(answer) as Value;
}

function given(answer: string | symbol | undefined): string {
  if (isCancel(answer)) throw new CancelledError("cancelled; nothing was written");
  return String(answer ?? "");
}

function word(value: string): string | undefined {
  return value.trim() === "" ? "is needed" : undefined;
}

function httpUrl(value: string): string | undefined {
  return /^https?:\/\/./.test(value) && URL.canParse(value) ? undefined : "write it as https://…";
}

function urlOrNothing(value: string): string | undefined {
  return value === "" ? undefined : httpUrl(value);
}
