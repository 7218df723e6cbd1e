import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import type { AnyEndpointSecurityError } from "endpoint-security";
import { respond } from "../servers/http-server.ts";
import { unsignedJwt } from "../tokens/answering-fetch.ts";
import { canaries } from "./canaries.ts";
import type { HostileBehaviour, Whereabouts } from "./hostile-server.ts";

/**
 * What token endpoints have answered, or might. The next odd answer that somebody meets is one more
 * row: what the server does, and what has to come of it.
 */
export interface HostileAnswer extends HostileBehaviour {
  readonly name: string;
  readonly comes: Failure | Issued;
  /** Whether it takes as long as the deadline. */
  readonly isSlow?: boolean;
  /** Asked for with a user's password, and renewed with a refresh token where there is one. */
  readonly isForUser?: boolean;
  /** Over https, with a certificate that is right, or wrong in such a way. */
  readonly certificate?: "right" | "unknown issuer" | "wrong name";
}

/** An error of ours. */
interface Failure {
  readonly code: AnyEndpointSecurityError["code"];
  /** What its message says, in any order. */
  readonly says: RegExp;
  readonly reason?: "network" | "tls" | "timeout" | "status";
}

/** The token, and its life where that is the point. */
interface Issued {
  readonly token: string;
  readonly lifeMs?: number;
}

type Answer = NonNullable<HostileBehaviour["answer"]>;

const token = canaries.token;
const refreshToken = canaries.otherToken;
const day = 86_400_000;
const mebibyte = 1024 * 1024;
const good = { access_token: token, token_type: "Bearer", expires_in: 3600 };
const goodJson = JSON.stringify(good);

const unusable = (says: RegExp): Failure => ({ code: "invalid_token_response", says });
const refused = (says: RegExp): Failure => ({ code: "token_request_rejected", says });
const busy = (says: RegExp): Failure => ({
  code: "token_endpoint_unavailable",
  reason: "status",
  says,
});
const broken = (reason: "network" | "tls" | "timeout", says: RegExp): Failure => ({
  code: "token_endpoint_unavailable",
  reason,
  says,
});
const expired: Failure = { code: "token_expired_on_arrival", says: /expired|was over/ };
const issued: Issued = { token };
const late = broken("timeout", /did not respond within 150 ms/);

/** A body, as it is. */
const body =
  (content: string | Buffer, headers: Record<string, string> = {}, status = 200): Answer =>
  (res) =>
    void res.writeHead(status, { "content-type": "application/json", ...headers }).end(content);

/** A good answer but for these members. */
const members = (more: object): Answer => body(JSON.stringify({ ...good, ...more }));

const status =
  (code: number, content?: unknown, headers: Record<string, string> = {}): Answer =>
  (res) =>
    respond(res, code, content, headers);

/** Bytes on the wire, past all that makes a server's answer well-formed. */
const wire =
  (bytes: string, then: (socket: Socket) => void = (socket) => void socket.end()): Answer =>
  ({ socket }) =>
    void socket?.write(bytes, () => then(socket));

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/** So much of it, as quickly as it is taken. */
const streaming =
  (bytes: number): Answer =>
  (res) => {
    res.writeHead(200, { "content-type": "application/json" });
    let left = bytes;
    const chunk = Buffer.alloc(65_536, " ");
    const more = () => {
      while (left > 0 && !res.destroyed) {
        left -= chunk.length;
        if (!res.write(chunk)) return void res.once("drain", more);
      }
      res.end(goodJson);
    };
    more();
  };

/** A byte now and then, for ever. */
const trickling =
  (start: (res: ServerResponse) => void, byte: string): Answer =>
  (res) => {
    start(res);
    const { socket } = res;
    const dripping = setInterval(() => socket?.write(byte), 10);
    socket?.on("close", () => clearInterval(dripping));
  };

/** Little on the wire, and so much when it is unpacked. */
const bomb =
  (bytes: number, compress: (bytes: Buffer) => Buffer, encoding: string): Answer =>
  (res, where) =>
    body(compress(Buffer.alloc(bytes, " ")), { "content-encoding": encoding })(res, where);
const brotli = (bytes: Buffer) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });

const redirect =
  (code: number, location: (where: Whereabouts) => string | undefined): Answer =>
  (res, where) => {
    const to = location(where);
    respond(res, code, "moved", to === undefined ? {} : { location: to });
  };
const redirected = unusable(/a redirect( to \S+)?, which is never followed/);

export const hostileAnswers: Readonly<Record<string, readonly HostileAnswer[]>> = {
  "a body that is no token": unusables([
    ["HTML", body("<!DOCTYPE html><title>Log in</title>"), /HTML/],
    [
      "HTML of the right content type",
      status(200, "<html>", { "content-type": "text/html" }),
      /HTML/,
    ],
    ["XML", body('<?xml version="1.0"?><token/>'), /XML/],
    ["nothing", body(""), /empty/],
    ["white space", body(" \n\t "), /empty/],
    ["a byte order mark alone", body("\ufeff"), /empty/],
    ["a list", body(`[${goodJson}]`), /not a JSON object/],
    ["a string", body(JSON.stringify(token)), /not a JSON object/],
    ["the token alone", body(token), /not a JSON object/],
    ["null", body("null"), /not a JSON object/],
    ["true", body("true"), /not a JSON object/],
    ["a number", body("42"), /not a JSON object/],
    ["JSON cut off", body(goodJson.slice(0, -9)), /not a JSON object/],
    [
      "JSON cut off in the middle of a character",
      body(Buffer.from('{"a":"é').subarray(0, -1)),
      /not a JSON object/,
    ],
    ["JSON with something behind it", body(`${goodJson}}`), /not a JSON object/],
    ["two objects", body(`${goodJson}\n${goodJson}`), /not a JSON object/],
    ["a form", body(`access_token=${token}&token_type=bearer`), /not a JSON object/],
    ["JSONP", body(`callback(${goodJson})`), /not a JSON object/],
    ["JSON with comments", body(`${goodJson} // token`), /not a JSON object/],
    [
      "JavaScript's names for numbers",
      body('{"access_token":"a","expires_in":Infinity}'),
      /not a JSON object/,
    ],
    ["UTF-16", body(Buffer.from(goodJson, "utf16le")), /not a JSON object/],
    ["a million brackets", body("[".repeat(mebibyte)), /not a JSON object/],
    ["bytes that are no text", body(Buffer.from([0xff, 0xfe, 0, 1, 2, 0xc0])), /not a JSON object/],
    ["an empty object", body("{}"), /without an access_token/],
    ["a token under __proto__", body(`{"__proto__":${goodJson}}`), /without an access_token/],
    [
      "a token under constructor",
      body(`{"constructor":{"prototype":${goodJson}}}`),
      /without an access_token/,
    ],
    ["names in capitals", body(goodJson.toUpperCase()), /without an access_token/],
    ["a token in the envelope of an API", body(`{"data":${goodJson}}`), /without an access_token/],
  ]),

  "a token that can't be used": [
    ...unusableMembers("access_token", [
      ["that is missing", undefined, /without an access_token/],
      ["that is null", null, /without an access_token/],
      ["that is empty", "", /without an access_token/],
      ["that got a number", 42, /without an access_token/],
      ["that got a list", [token], /without an access_token/],
      ["that got an object", { access_token: token }, /without an access_token/],
      ["with a line feed", `${token}\n`, /a header can't carry/],
      ["with a header behind it", `${token}\r\nX-Injected: 1`, /a header can't carry/],
      ["with a NUL", `${token}\0`, /a header can't carry/],
      ["with a DEL", `${token}\x7f`, /a header can't carry/],
      ["with a space", `${token} x`, /a header can't carry/],
      ["with a tab", `${token}\tx`, /a header can't carry/],
      ["with a letter beyond ASCII", `${token}é`, /a header can't carry/],
      ["with half a surrogate pair", `${token}\ud800`, /a header can't carry/],
      ["that looks like ASCII and is not", `${token}\u212a`, /a header can't carry/],
      ["of a million characters", token.padEnd(1_000_000, "x"), /1000000 characters/],
      ["one longer than a header takes", token.padEnd(65_537, "x"), /65537 characters/],
    ]),
    row(
      "with invalid UTF-8 in it",
      body(Buffer.from('{"access_token":"a\xffb","token_type":"Bearer"}', "latin1")),
      unusable(/a header can't carry/),
    ),
  ],

  "a token whose type is": unusableMembers("token_type", [
    ["DPoP, which nobody asked for", "DPoP", /the type "DPoP" instead of Bearer/],
    ["dpop in small letters", "dpop", /the type "dpop"/],
    ["mac", "mac", /the type "mac"/],
    ["N_A", "N_A", /the type "N_A"/],
    ["Basic", "Basic", /the type "Basic"/],
    ["empty", "", /the type ""/],
    ["Bearer with a space before it", " Bearer", /the type "Bearer"/],
    ["two types", "Bearer DPoP", /the type "Bearer DPoP"/],
    [
      "Bearer with a header behind it",
      "Bearer\r\nX-Injected: 1",
      /the type "Bearer X-Injected: 1"/,
    ],
    ["a type that holds the token", `of ${token}`, /the type "of \[redacted\]"/],
    ["a number", 7, /the type that is not a name/],
    ["true", true, /the type that is not a name/],
    ["an object", { type: "Bearer" }, /the type that is not a name/],
    ["a list", ["Bearer"], /the type that is not a name/],
  ]),

  "a token all the same": [
    row("behind a byte order mark", body(`\ufeff${goodJson}`), issued),
    row("of no content type", (res) => void res.end(goodJson), issued),
    row("called HTML", status(200, goodJson, { "content-type": "text/html" }), issued),
    row(
      "called a form",
      status(200, goodJson, { "content-type": "application/x-www-form-urlencoded" }),
      issued,
    ),
    row("called an image", status(200, goodJson, { "content-type": "image/png" }), issued),
    row(
      "of a content type that is none",
      status(200, goodJson, { "content-type": ";;=,/" }),
      issued,
    ),
    row(
      "called UTF-16",
      status(200, goodJson, { "content-type": "application/json; charset=utf-16" }),
      issued,
    ),
    row("with 201", status(201, good), issued),
    row("of no type", members({ token_type: undefined }), issued),
    row("of the type null", members({ token_type: null }), issued),
    row("of the type bearer", members({ token_type: "bearer" }), issued),
    row("of the type BEARER", members({ token_type: "BEARER" }), issued),
    row(
      "beside invalid UTF-8",
      body(Buffer.from(goodJson.replace("{", '{"note":"\xc3\x28\xff",'), "latin1")),
      issued,
    ),
    row(
      "beside a __proto__ of its own",
      body(goodJson.replace("{", '{"__proto__":{"error":"invalid_grant","access_token":"x"},')),
      issued,
    ),
    row(
      "beside members that nobody knows",
      members({ refresh_token: null, id_token: 7, ext_expires_in: {}, toString: 1 }),
      issued,
    ),
    row(
      "beside a thousand levels of nothing",
      body(goodJson.replace("{", `{"a":${"[".repeat(1_000)}${"]".repeat(1_000)},`)),
      issued,
    ),
    row(
      "given twice, of which the last counts",
      body(goodJson.replace("{", '{"access_token":"first",')),
      issued,
    ),
    row(
      "with a type given twice, of which the last counts",
      body(goodJson.replace("{", '{"token_type":"mac",')),
      issued,
    ),
    row("beside an error that is null", members({ error: null }), issued),
    row("beside an error that is empty", members({ error: "", error_description: "" }), issued),
    row("beside an error that is false", members({ error: false }), issued),
    row("beside an error that is 0", members({ error: 0 }), issued),
    row("with names written in escapes", body(goodJson.replace("access", "\\u0061ccess")), issued),
    row("in a body of exactly 1 MiB", body(goodJson.padEnd(mebibyte)), issued),
    row(
      "in a body compressed by gzip",
      body(gzipSync(goodJson), { "content-encoding": "gzip" }),
      issued,
    ),
    row(
      "in a body compressed by deflate",
      body(deflateSync(goodJson), { "content-encoding": "deflate" }),
      issued,
    ),
    row(
      "in a body compressed by br",
      body(brotli(Buffer.from(goodJson)), { "content-encoding": "br" }),
      issued,
    ),
    row(
      "in a body compressed twice",
      body(gzipSync(gzipSync(goodJson)), { "content-encoding": "gzip, gzip" }),
      issued,
    ),
    row(
      "in single bytes",
      async (res) => {
        for (const byte of Buffer.from(goodJson.replace("{", '{"note":"äöü€😀",'))) {
          await new Promise((resolve) => res.write(Buffer.of(byte), resolve));
        }
        res.end();
      },
      issued,
    ),
    row("of 65,000 characters", members({ access_token: "x".repeat(65_000) }), {
      token: "x".repeat(65_000),
    }),
    row("to the end of the connection", wire(`${head}\r\n${goodJson}`), issued),
    row(
      "after early hints",
      wire(
        `${"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(3)}${head}content-length: ${goodJson.length}\r\n\r\n${goodJson}`,
      ),
      issued,
    ),
    row(
      "with another answer behind it that nobody asked for",
      wire(
        `${head}content-length: ${goodJson.length}\r\n\r\n${goodJson}`.concat(
          `${head}content-length: 24\r\n\r\n{"access_token":"extra"} `,
        ),
        () => {},
      ),
      issued,
    ),
    row(
      "beside a Location",
      status(200, good, { location: "https://elsewhere.example.test/" }),
      issued,
    ),
  ],

  "a life": [
    ...lives([
      ["of an hour", 3600, 3_600_000],
      ["of a string", "3600", 3_600_000],
      ["of a string with spaces", " 120 ", 120_000],
      ["of a string with a fraction", "120.5", 120_500],
      ["of a fraction", 1.5, 1_500],
      ["of null", null, 300_000],
      ["that is missing", undefined, 300_000],
      ["of an empty string", "", 300_000],
      ["of words", "3600abc", 300_000],
      ["of a string in hexadecimal", "0xe10", 300_000],
      ["of true", true, 300_000],
      ["of an object", { seconds: 5 }, 300_000],
      ["of a list", [120], 300_000],
      ["of more than a date can hold", 1e18, 100 * 365 * day],
      ["of more than a timer can hold", 1e300, 100 * 365 * day],
      ["of more than any number can hold", "9".repeat(400), 300_000],
      ["of zero", 0, 300_000],
      ["of minus one", -1, 300_000],
      ["of minus an hour, as a string", "-3600", 300_000],
      ["of minus more than a date can hold", -1e300, 300_000],
    ]),
    row("of next to nothing", members({ expires_in: 1e-9 }), expired),
    row(
      "of the past century, by the JWT",
      members({ access_token: unsignedJwt({ exp: 1 }), expires_in: null }),
      expired,
    ),
    row(
      "of a JWT whose exp is no number",
      members({ access_token: unsignedJwt({ exp: "soon" }), expires_in: null }),
      { token: unsignedJwt({ exp: "soon" }), lifeMs: 300_000 },
    ),
  ],

  "a token with a refresh token": [
    ...forUser("refresh_token", [
      ["that is right", refreshToken],
      ["that is null", null],
      ["that is empty", ""],
      ["that got a number", 42],
      ["that got an object", { refresh_token: refreshToken }],
      ["with a line feed", `${refreshToken}\n`],
      ["with a parameter behind it", `${refreshToken}&grant_type=password`],
      ["with a NUL", `${refreshToken}\0`],
      ["with letters beyond ASCII", `${refreshToken}é密🔑`],
      ["with half a surrogate pair", `${refreshToken}\ud800`],
      ["of 900,000 characters", refreshToken.padEnd(900_000, "x")],
    ]),
    ...forUser("refresh_expires_in", [
      ["that has expired", -1],
      ["that ends at once", 0],
      ["that lives longer than a date can hold", 1e300],
      ["that ends soon, in words", "soon"],
    ]),
  ],

  "an error": [
    row(
      "with 200 and without a token",
      status(200, { error: "invalid_grant" }),
      refused(/responded 200 invalid_grant/),
    ),
    row(
      "with 200 and with a token",
      status(200, { ...good, error: "invalid_grant" }),
      refused(/responded 200 invalid_grant/),
    ),
    row(
      "with 200 that means not now",
      status(200, { error: "temporarily_unavailable" }),
      busy(/responded 200 temporarily_unavailable/),
    ),
    row(
      "with 200 that got an object",
      status(200, { ...good, error: { code: 7 } }),
      unusable(/responded 200 with an error that is not an OAuth error/),
    ),
    row(
      "with 200 that is true",
      status(200, { ...good, error: true }),
      unusable(/not an OAuth error/),
    ),
    row(
      "with 302 and nowhere to go",
      status(302, { error: "invalid_client" }),
      refused(/responded 302 invalid_client/),
    ),
    row(
      "with 404",
      status(404, { error: "invalid_client" }),
      refused(/responded 404 invalid_client/),
    ),
    row(
      "with 404 and HTML",
      status(404, "<html>", { "content-type": "text/html" }),
      refused(/responded 404;/),
    ),
    row("with 403 and nothing", status(403), refused(/responded 403;/)),
    row("with 407", status(407), broken("network", /could not be reached/)),
    row("with 429", status(429, { error: "invalid_client" }), busy(/responded 429/)),
    row(
      "with 500 that is a refusal",
      status(500, { error: "invalid_client" }),
      refused(/responded 500 invalid_client/),
    ),
    row(
      "with 500 and a stack trace",
      status(500, `Error: ${canaries.clientSecret}\n    at x`),
      busy(/responded 500/),
    ),
    row("with 503 and a token", status(503, good), busy(/responded 503/)),
    row("with 204", status(204), unusable(/responded 204/)),
    row("with 202 and a token", status(202, good), unusable(/responded 202/)),
    row("with 206 and a token", status(206, good), unusable(/responded 206/)),
    row("with 299 and a token", status(299, good), unusable(/responded 299/)),
    row(
      "that names the secret",
      status(400, { error: canaries.clientSecret, error_description: canaries.clientSecret }),
      refused(/\[redacted\]/),
    ),
    row(
      "of a megabyte",
      status(400, { error: "x".repeat(900_000), error_description: "y".repeat(90_000) }),
      refused(/x{300}…/),
    ),
    row(
      "of two megabytes",
      status(400, { error: "x".repeat(2 * mebibyte) }),
      unusable(/more than 1 MiB/),
    ),
    row(
      "that writes lines into a log",
      status(400, {
        error: "invalid_request",
        error_description: "a\r\n2026-11-23 INFO all is well\x1b[31m\0\u2028b",
      }),
      refused(/a 2026-11-23 INFO all is well \[31m b/),
    ),
    row(
      "that is a Symbol's name",
      status(400, { error: "__proto__" }),
      refused(/responded 400 __proto__/),
    ),
  ],

  "an answer that is too much": [
    row("of 100 MB", streaming(100 * mebibyte), unusable(/more than 1 MiB/)),
    row("of 1 MiB and a byte", body(goodJson.padEnd(mebibyte + 1)), unusable(/more than 1 MiB/)),
    row(
      "that says it is a terabyte",
      (res) =>
        void res.writeHead(200, { "content-length": 2 ** 40 }).write(" ".repeat(2 * mebibyte)),
      unusable(/more than 1 MiB/),
    ),
    row("as a gzip bomb", bomb(100 * mebibyte, gzipSync, "gzip"), unusable(/more than 1 MiB/)),
    row(
      "as a deflate bomb",
      bomb(20 * mebibyte, deflateSync, "deflate"),
      unusable(/more than 1 MiB/),
    ),
    row("as a br bomb", bomb(100 * mebibyte, brotli, "br"), unusable(/more than 1 MiB/)),
    row(
      "as a gzip bomb in another one",
      bomb(20 * mebibyte, (bytes) => gzipSync(gzipSync(bytes)), "gzip, gzip"),
      unusable(/more than 1 MiB/),
    ),
    row(
      "of headers",
      wire(`${head}${`x-filler: ${"x".repeat(1_000)}\r\n`.repeat(200)}\r\n`, () => {}),
      broken("network", /could not be reached \(UND_ERR_HEADERS_OVERFLOW\)/),
    ),
    row(
      "of chunks without a length that is one",
      wire(`${head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nx`, () => {}),
      broken("network", /broke off its response/),
    ),
  ],

  "an answer that doesn't come to its end": [
    slow("silence", () => {}),
    slow("a head and silence", (res) => void res.writeHead(200).flushHeaders()),
    slow("half a body and silence", (res) => void res.writeHead(200).write('{"access_token":')),
    slow(
      "half a compressed body and silence",
      (res) =>
        void res
          .writeHead(200, { "content-encoding": "gzip" })
          .write(gzipSync(goodJson).subarray(0, 20)),
    ),
    slow(
      "less than it said and silence",
      (res) => void res.writeHead(200, { "content-length": 500 }).write(goodJson),
    ),
    slow(
      "a failure's head and silence",
      (res) => void res.writeHead(401, { "content-length": 500 }).flushHeaders(),
    ),
    slow(
      "a redirect's head and silence",
      (res) => void res.writeHead(302, { location: "/", "content-length": 500 }).flushHeaders(),
    ),
    slow(
      "a body that trickles",
      trickling(
        (res) => void res.writeHead(200, { "content-length": 1_000_000 }).flushHeaders(),
        " ",
      ),
    ),
    slow(
      "headers that trickle",
      trickling((res) => void res.socket?.write(head), "x-a: b\r\n"),
    ),
    slow(
      "a status line that trickles",
      trickling((res) => void res.socket?.write("HTTP/1.1 200 "), "O"),
    ),
    slow(
      "early hints for ever",
      trickling(() => {}, "HTTP/1.1 103 Early Hints\r\n\r\n"),
    ),
    { name: "a connection and silence", connected: () => {}, isSlow: true, comes: late },
  ],

  "a connection that breaks": [
    {
      name: "at once",
      connected: (socket) => void socket.resetAndDestroy(),
      comes: broken("network", /could not be reached/),
    },
    {
      name: "at once, politely",
      connected: (socket) => void socket.end(),
      comes: broken("network", /could not be reached/),
    },
    {
      name: "by a banner of another protocol",
      connected: (socket) => void socket.end("220 smtp.example.test ESMTP\r\n"),
      comes: broken("network", /could not be reached/),
    },
    row(
      "after the request",
      ({ socket }) => void socket?.resetAndDestroy(),
      broken("network", /could not be reached/),
    ),
    row(
      "after the request, politely",
      ({ socket }) => void socket?.end(),
      broken("network", /could not be reached/),
    ),
    row(
      "in the status line",
      wire("HTTP/1.1 20", reset),
      broken("network", /could not be reached/),
    ),
    row("in the headers", wire(`${head}x-a: `, reset), broken("network", /could not be reached/)),
    row(
      "after the headers",
      wire(`${head}content-length: 100\r\n\r\n`, reset),
      broken("network", /broke off its response/),
    ),
    row(
      "in the body",
      wire(`${head}content-length: 100\r\n\r\n{"access_token":"half`, reset),
      broken("network", /broke off its response/),
    ),
    row(
      "in the body, politely",
      wire(`${head}content-length: 100\r\n\r\n{"access_token":"half`),
      broken("network", /broke off its response/),
    ),
    row(
      "in a chunk",
      wire(`${head}transfer-encoding: chunked\r\n\r\n40\r\n{"access_token":"half`, reset),
      broken("network", /broke off its response/),
    ),
    row(
      "in a chunk, politely",
      wire(`${head}transfer-encoding: chunked\r\n\r\n40\r\n{"access_token":"half`),
      broken("network", /broke off its response/),
    ),
    row(
      "in a failure's body",
      wire("HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\n{", reset),
      broken("network", /broke off its response/),
    ),
    row(
      "by an upgrade to another protocol",
      wire("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
      broken("network", /could not be reached/),
    ),
    row("by no http at all", wire("hello\r\n\r\n"), broken("network", /could not be reached/)),
    row(
      "by a status of four digits",
      wire("HTTP/1.1 2000 OK\r\n\r\n"),
      broken("network", /could not be reached/),
    ),
    row("by a status of 999", wire("HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n"), {
      code: "token_endpoint_unavailable",
      says: /responded 999|could not be reached/,
    }),
    row(
      "by two lengths",
      wire(`${head}content-length: 5\r\ncontent-length: 6\r\n\r\n{"a":}`),
      broken("network", /could not be reached/),
    ),
    row(
      "by a header that is none",
      wire("HTTP/1.1 200 OK\r\nno header\r\n\r\n{}"),
      broken("network", /could not be reached/),
    ),
  ],

  "a body that isn't compressed as it says": [
    row(
      "gzip that is plain",
      body(goodJson, { "content-encoding": "gzip" }),
      unusable(/not compressed as its header says/),
    ),
    row(
      "deflate that is plain",
      body(goodJson, { "content-encoding": "deflate" }),
      unusable(/not compressed as its header says/),
    ),
    row(
      "br that is plain",
      body(goodJson, { "content-encoding": "br" }),
      unusable(/not compressed as its header says/),
    ),
    row(
      "gzip cut off",
      body(gzipSync(goodJson).subarray(0, -12), { "content-encoding": "gzip" }),
      unusable(/not a JSON object|not compressed as its header says/),
    ),
    row(
      "an encoding nobody knows",
      body(gzipSync(goodJson), { "content-encoding": "x-own" }),
      unusable(/not a JSON object/),
    ),
  ],

  "a redirect": [
    ...[300, 301, 302, 303, 304, 305, 307, 308].map((code) =>
      row(
        `by ${code}, to elsewhere`,
        redirect(code, ({ elsewhere }) => elsewhere),
        redirected,
      ),
    ),
    row(
      "to itself",
      redirect(307, ({ self }) => self),
      redirected,
    ),
    row(
      "to a path of itself",
      redirect(308, () => "/token?again"),
      redirected,
    ),
    row(
      "to https",
      redirect(307, ({ self }) => self.replace("http:", "https:")),
      redirected,
    ),
    row(
      "to no scheme",
      redirect(307, ({ elsewhere }) => elsewhere.replace("http:", "")),
      redirected,
    ),
    row(
      "to javascript:",
      redirect(302, () => "javascript:alert(1)"),
      redirected,
    ),
    row(
      "to data:",
      redirect(302, () => `data:application/json,${encodeURIComponent(goodJson)}`),
      redirected,
    ),
    row(
      "to a file",
      redirect(302, () => "file:///etc/passwd"),
      redirected,
    ),
    row(
      "to no URL",
      redirect(302, () => "http://["),
      redirected,
    ),
    row(
      "to nowhere",
      redirect(302, () => undefined),
      redirected,
    ),
    row(
      "with a token in its body",
      (res, { elsewhere }) => respond(res, 307, good, { location: elsewhere }),
      redirected,
    ),
    row(
      "by a Refresh header",
      (res, { elsewhere }) => respond(res, 200, "<p>Wait</p>", { refresh: `0; url=${elsewhere}` }),
      unusable(/HTML/),
    ),
    row(
      "by HTML",
      (res, { elsewhere }) =>
        respond(res, 200, `<meta http-equiv=refresh content="0; url=${elsewhere}">`),
      unusable(/HTML/),
    ),
    {
      ...row(
        "from https to http",
        redirect(307, ({ elsewhere }) => elsewhere),
        redirected,
      ),
      certificate: "right",
    },
  ],

  TLS: [
    {
      ...row(
        "with a certificate of an unknown issuer",
        body(goodJson),
        broken("tls", /has a certificate that can't be trusted \([A-Z_]+\)/),
      ),
      certificate: "unknown issuer",
    },
    {
      ...row(
        "with a certificate for another name",
        body(goodJson),
        broken("tls", /ERR_TLS_CERT_ALTNAME_INVALID/),
      ),
      certificate: "wrong name",
    },
    {
      name: "where plain http is spoken",
      connected: (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      certificate: "right",
      comes: broken("tls", /ERR_SSL|EPROTO/),
    },
    {
      name: "that is reset in the handshake",
      connected: (socket) => void socket.once("data", () => socket.resetAndDestroy()),
      certificate: "right",
      comes: broken("network", /could not be reached/),
    },
    {
      name: "whose handshake never ends",
      connected: () => {},
      isSlow: true,
      certificate: "right",
      comes: late,
    },
    { ...row("with a right certificate", body(goodJson), issued), certificate: "right" },
  ],
};

function row(name: string, answer: Answer, comes: Failure | Issued): HostileAnswer {
  return { name, answer, comes };
}

function unusables(rows: readonly (readonly [string, Answer, RegExp])[]): HostileAnswer[] {
  return rows.map(([name, answer, says]) => row(name, answer, unusable(says)));
}

function unusableMembers(
  member: string,
  rows: readonly (readonly [string, unknown, RegExp])[],
): HostileAnswer[] {
  return unusables(rows.map(([name, value, says]) => [name, members({ [member]: value }), says]));
}

function lives(rows: readonly (readonly [string, unknown, number])[]): HostileAnswer[] {
  return rows.map(([name, expires_in, lifeMs]) =>
    row(name, members({ expires_in }), { token, lifeMs }),
  );
}

function forUser(member: string, rows: readonly (readonly [string, unknown])[]): HostileAnswer[] {
  return rows.map(([name, value]) => ({
    ...row(name, members({ refresh_token: refreshToken, [member]: value }), issued),
    isForUser: true,
  }));
}

function slow(name: string, answer: Answer): HostileAnswer {
  return { name, answer, comes: late, isSlow: true };
}

function reset(socket: Socket): void {
  socket.resetAndDestroy();
}
