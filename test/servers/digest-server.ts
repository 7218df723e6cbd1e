import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { listen, respond } from "./http-server.ts";

/** One challenge of the server. */
export interface OfferedChallenge {
  /** Undefined names none, which means MD5. */
  readonly algorithm?: string;
  /** Undefined: RFC 2069, which has none. */
  readonly qop?: string;
  readonly userhash?: boolean;
  readonly charset?: "UTF-8";
  readonly realm?: string;
}

export interface DigestServerOptions {
  readonly challenges: readonly OfferedChallenge[];
  readonly username?: string;
  readonly password?: string;
  /** A header for each challenge, or one for all. */
  readonly severalHeaders?: boolean;
  /** Sends a `nextnonce` with each answer, and takes each nonce once. */
  readonly nextNonce?: boolean;
  readonly rspauth?: "right" | "wrong";
  /** Other schemes, before the Digest challenges. */
  readonly before?: string;
}

/** `/redirect/307` redirects to what the header `x-to` says. */
interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly status: number;
  readonly authorization: string | undefined;
  /** Its parameters, as they are on the wire. */
  readonly digest: Readonly<Record<string, string>> | undefined;
  /** Why it was refused. */
  readonly refusal: string | undefined;
}

const hashNames: Readonly<Record<string, string>> = {
  md5: "md5",
  "sha-256": "sha256",
  "sha-512-256": "sha512-256",
};

/**
 * A server that checks Digest credentials by RFC 7616, written apart from the library: each nonce,
 * its counts, the target, the body and the user's name.
 */
export async function startDigestServer(options: DigestServerOptions) {
  const { challenges, username = "Mufasa", password = "Circle of Life" } = options;
  const requests: SeenRequest[] = [];
  /** Counts seen, by nonce. */
  const nonces = new Map<string, Set<string>>();
  /** What the keys of `-sess` are made from, by the nonces that they go with. */
  const sessions = new Map<string, string>();
  let hold: Promise<void> | undefined;

  const newNonce = () => {
    const nonce = randomBytes(12).toString("base64");
    nonces.set(nonce, new Set());
    return nonce;
  };

  const server = await listen(async (req, res) => {
    const body = await buffer(req);
    const { method = "", url = "" } = req;
    const authorization = rawHeader(req, "authorization");
    const digest = authorization?.startsWith("Digest ") ? parse(authorization.slice(7)) : undefined;
    const refusal = digest === undefined ? "none" : check(digest, method, url, body);
    const redirect = /^\/redirect\/(\d+)/.exec(url)?.[1];
    const status = refusal === undefined ? Number(redirect ?? 200) : 401;
    requests.push({ method, url, body: body.toString(), status, authorization, digest, refusal });
    // The challenge is as old as the request it answers.
    const asked = refusal === undefined ? [] : challengeHeaders(refusal);
    await hold;
    if (asked.length > 0) res.setHeader("www-authenticate", asked);
    else if (digest !== undefined) {
      const info = infoFor(digest, url);
      if (info !== "") res.setHeader("authentication-info", info);
    }
    if (status > 300 && status < 309) res.setHeader("location", String(req.headers["x-to"]));
    respond(res, status, { url, body: body.toString() });
  });

  function challengeHeaders(refusal: string): string[] {
    const stale = refusal === "stale" ? ["stale=true"] : [];
    const written = challenges.map(({ algorithm, qop, userhash, charset, realm = "lions" }) => {
      const parameters = [
        `realm="${realm}"`,
        `nonce="${newNonce()}"`,
        'opaque="opa\\"que"',
        ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
        ...(qop === undefined ? [] : [`qop="${qop}"`]),
        ...(charset === undefined ? [] : [`charset=${charset}`]),
        ...(userhash === undefined ? [] : [`userhash=${userhash}`]),
        ...stale,
      ];
      return `Digest ${parameters.join(", ")}`;
    });
    const all = options.before === undefined ? written : [options.before, ...written];
    return options.severalHeaders ? all : [all.join(", ")];
  }

  /** Why the credentials are refused, or undefined. */
  function check(
    digest: Readonly<Record<string, string>>,
    method: string,
    url: string,
    body: Buffer,
  ): string | undefined {
    const offered = challenges.find(
      ({ algorithm, realm = "lions" }) =>
        algorithm?.toLowerCase() === digest.algorithm?.toLowerCase() && realm === digest.realm,
    );
    if (offered === undefined) return "algorithm";
    if (digest.opaque !== 'opa"que') return "opaque";
    if (digest.uri !== url) return "uri";
    const { hash } = hasher(digest.algorithm);
    const name = Buffer.from(username).toString("latin1");
    if (offered.userhash === true) {
      if (digest.userhash !== "true" || digest.username !== hash(`${name}:${digest.realm}`)) {
        return "userhash";
      }
    } else if (userIn(digest) !== name) return "username";
    if (
      offered.qop === undefined
        ? digest.qop !== undefined
        : !offered.qop.split(",").includes(digest.qop ?? "")
    ) {
      return "qop";
    }
    if (digest.response !== responseTo(digest, method, url, body)) return "response";
    const counts = nonces.get(digest.nonce ?? "");
    if (counts === undefined) return "stale";
    const count = digest.nc ?? String(counts.size);
    if (counts.has(count) || (options.nextNonce === true && counts.size > 0)) return "stale";
    counts.add(count);
    return undefined;
  }

  function responseTo(
    digest: Readonly<Record<string, string>>,
    method: string,
    url: string,
    body: Buffer,
  ): string {
    const { hash, isSession } = hasher(digest.algorithm);
    const { nonce, nc, cnonce, qop, realm } = digest;
    const user = Buffer.from(username).toString("latin1");
    const secret = Buffer.from(password).toString("latin1");
    const base = hash(`${user}:${realm}:${secret}`);
    const session = sessions.get(nonce ?? "") ?? `${nonce}:${cnonce}`;
    const a1 = isSession ? hash(`${base}:${session}`) : base;
    const integrity = qop === "auth-int" ? `:${hash(body)}` : "";
    const a2 = hash(`${method}:${url}${integrity}`);
    return hash(
      qop === undefined ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`,
    );
  }

  function infoFor(digest: Readonly<Record<string, string>>, url: string): string {
    const info: string[] = [];
    if (options.nextNonce === true) {
      const next = newNonce();
      const { nonce = "", cnonce } = digest;
      sessions.set(next, sessions.get(nonce) ?? `${nonce}:${cnonce}`);
      info.push(`nextnonce="${next}"`);
    }
    if (options.rspauth !== undefined) {
      const right = responseTo(digest, "", url, Buffer.alloc(0));
      const value =
        options.rspauth === "right" ? right : right.replace(/^./, (c) => (c === "0" ? "1" : "0"));
      info.push(`rspauth="${value}"`, `cnonce="${digest.cnonce}"`, `nc=${digest.nc}`, "qop=auth");
    }
    return info.join(", ");
  }

  return {
    origin: server.origin,
    requests: requests as readonly SeenRequest[],
    statuses: () => requests.map(({ status }) => status),
    /** From now on no nonce is good that was given before. */
    expireNonces: () => nonces.clear(),
    /** Answers wait until the function returned is called. */
    holdAnswers: () => {
      let release = () => {};
      hold = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close: server.close,
  };
}

function hasher(algorithm = "MD5") {
  const plain = algorithm.toLowerCase().replace(/-sess$/, "");
  const hash = (data: string | Buffer) =>
    createHash(hashNames[plain] ?? "md5")
      .update(typeof data === "string" ? Buffer.from(data, "latin1") : data)
      .digest("hex");
  return { hash, isSession: /-sess$/i.test(algorithm) };
}

function userIn(digest: Readonly<Record<string, string>>): string | undefined {
  const extended = digest["username*"];
  return extended === undefined
    ? digest.username
    : Buffer.from(decodeURIComponent(extended.replace("UTF-8''", ""))).toString("latin1");
}

function parse(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(
      ([, name = "", quoted, bare]) => [name, quoted?.replaceAll(/\\(.)/g, "$1") ?? bare ?? ""],
    ),
  );
}

function rawHeader(req: IncomingMessage, name: string): string | undefined {
  return req.headers[name] as string | undefined;
}
