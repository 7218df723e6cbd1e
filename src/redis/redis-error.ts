import { harmless } from "../cache/token-cache.ts";
import { errorCodeOf } from "../checks/error-code.ts";
import { isEndpointSecurityError } from "../errors.ts";

/**
 * Redis could not be reached, or rejected a command. Callers of `getAuthHeader` never see it, because a
 * cache is never the reason for an error; the events hold it.
 *
 * It holds nothing of what node-redis said but the kind: its messages may quote keys, values, URLs
 * and, behind some proxies, the password.
 */
export class RedisCacheError extends Error {
  override readonly name = "RedisCacheError";
  /**
   * Redis' own word (`NOPERM`, `READONLY`, `WRONGPASS`, …), Node.js' (`ECONNREFUSED`, …), or
   * `TIMEOUT`, `DISCONNECTED`, `QUEUE_FULL`, `NO_MASTER`.
   */
  readonly code: string;
  /** @internal */
  readonly [harmless] = true;

  constructor(code: string, message = meanings[code] ?? "failed") {
    super(`Redis ${message} (${code})`);
    this.code = code;
  }
}

const meanings: Readonly<Record<string, string>> = {
  DISCONNECTED: "is not connected",
  ECONNREFUSED: "refused the connection; check host and port, and whether it runs",
  ECONNRESET: "ended the connection",
  ENOTFOUND: "has a host name that nobody knows; check it",
  LOADING: "is still reading its data",
  MISCONF: "can't save its data, and takes no writes; see its log, and whether its disk is full",
  NO_MASTER: "has no master of that name at the sentinels; check sentinel.name",
  NOAUTH: "wants a password",
  NOPERM: "does not allow this user the command or the key; see which commands are needed",
  OOM: "has no memory left, and throws nothing out (maxmemory-policy)",
  QUEUE_FULL: "has too many operations to answer already",
  READONLY: "is a replica, which takes no writes",
  TIMEOUT: "did not answer in time",
  WRONGPASS: "refused the credentials; check username and password",
};

/** Words of Redis after which another connection may lead to a server that can do it. */
const ofThisServer = new Set([
  "READONLY",
  "LOADING",
  "NOAUTH",
  "WRONGPASS",
  "MASTERDOWN",
  "CLUSTERDOWN",
  "MOVED",
]);

/** What an error says of the connection: of no more use, perhaps in a part of it, or nothing. */
export function damageOf(error: unknown): "lost" | "node lost" | "none" {
  if (error instanceof SyntaxError || codeOf(error) === "QUEUE_FULL") return "none";
  const reply = replyKind(error);
  if (reply === undefined) return "node lost";
  return ofThisServer.has(reply) ? "lost" : "none";
}

/** The same error without anything that might be secret. */
export function redacted(error: unknown): Error {
  if (error instanceof RedisCacheError || isEndpointSecurityError(error)) return error;
  // Keyv's way to say that an entry isn't JSON. Node.js would quote the entry.
  if (error instanceof SyntaxError) return new SyntaxError("an entry in Redis is not JSON");
  return new RedisCacheError(codeOf(error), harmlessText(error));
}

/** Whether the user may not run scripts, or the server has none. */
export function forbidsScripts(error: unknown): boolean {
  return (
    error instanceof Error && /^NOPERM|^ERR unknown command|^ERR This instance/i.test(error.message)
  );
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (error instanceof RedisCacheError) return error.code;
  if (!(error instanceof Error)) return "UNKNOWN";
  const code = errorCodeOf(error);
  if (code === "ABORT_ERR") return "DISCONNECTED";
  if (code !== undefined) return code;
  const reply = replyKind(error);
  if (reply !== undefined) return reply;
  if (error.message === "The queue is full") return "QUEUE_FULL";
  return /timeout/i.test(error.constructor.name) ? "TIMEOUT" : "DISCONNECTED";
}

/** Redis puts its error's kind first: "READONLY You can't write against…". */
function replyKind(error: unknown): string | undefined {
  // Redis 7.0 has no error kind for a command that a script may run and its user may not.
  if (error instanceof Error && /^ERR The user executing the script/.test(error.message)) {
    return "NOPERM";
  }
  return error instanceof Error ? /^[A-Z]{2,20}(?= |$)/.exec(error.message)?.[0] : undefined;
}

/** Redis' message, if it quotes nothing but the name of a command. */
function harmlessText(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : "";
  const command = /^NOPERM .* run the '([a-z|-]+)' command/.exec(message)?.[1];
  if (command !== undefined) return `does not allow this user ${command.toUpperCase()}`;
  const known = plainAnswer.exec(message)?.[1];
  return known && `answered "${known}"`;
}

const plainAnswer =
  /^ERR (invalid password|(?:invalid )?DB index(?: is out of range)?|AUTH <password> called without any password configured|SELECT is not allowed in cluster mode|This instance has cluster support disabled)/;
