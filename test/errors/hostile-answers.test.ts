import { EndpointSecurity, type Fetch, isEndpointSecurityError } from "endpoint-security";
import Keyv from "keyv";
import { Agent } from "undici";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { listen, respond } from "../servers/http-server.ts";
import { makeCertificates, type TestCertificates } from "../servers/redis/certificates.ts";
import { checkoutOnce } from "../tokens/token-endpoint.ts";
import { canaries, seenIn } from "./canaries.ts";
import { type HostileAnswer, hostileAnswers } from "./hostile-answers.ts";
import { startHostileServer } from "./hostile-server.ts";

let certificates: TestCertificates;
let elsewhere: Awaited<ReturnType<typeof listen>>;
let visitors: string[] = [];
const unhandled = vi.fn();

beforeAll(async () => {
  certificates = await makeCertificates();
  elsewhere = await listen((req, res) => {
    visitors.push(`${req.method} ${req.url}`);
    respond(res, 200, { access_token: "stolen", token_type: "Bearer", expires_in: 3600 });
  });
  process.on("unhandledRejection", unhandled);
});
afterAll(async () => {
  process.off("unhandledRejection", unhandled);
  await elsewhere.close();
  await certificates.remove();
});
beforeEach(() => {
  visitors = [];
  unhandled.mockClear();
});

/** A fetch that believes in the tests' own authority, and finds every host on this machine. */
function trustingFetch(): Fetch {
  const agent = new Agent({
    connect: {
      // Without anybody waiting, it goes on to connect for as long as this.
      timeout: 500,
      ca: certificates.ca.cert,
      lookup: (_host, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
    },
  });
  onTestFinished(() => agent.destroy());
  return (input, init) => fetch(input, { ...init, dispatcher: agent } as never);
}

async function meet(row: HostileAnswer) {
  const server = await startHostileServer(
    row,
    elsewhere.origin,
    row.certificate && certificates.server,
  );
  const trusts = row.certificate === "right" || row.certificate === "wrong name";
  const store = new Map();
  const security = new EndpointSecurity({
    cache: new Keyv({ store }),
    fetch: trusts ? trustingFetch() : undefined,
  });
  const said: unknown[] = [];
  security.on("tokenRequestFailed", (event) => said.push(event));
  security.on("tokenObtained", (event) => said.push(event));
  const { tokenUrl } = server;
  const endpoint = checkoutOnce(
    row.certificate === "wrong name" ? tokenUrl.replace("127.0.0.1", "idp.example.test") : tokenUrl,
    {
      clientSecret: canaries.clientSecret,
      customParameters: { tenant: canaries.parameter },
      tokenRequest: { attemptTimeoutMs: row.isSlow ? 150 : 10_000 },
      renewal: { refreshAhead: false },
    },
  );
  const user = {
    grantType: "password" as const,
    username: canaries.username,
    password: canaries.password,
  };
  return {
    server,
    store,
    security,
    said,
    endpoint: row.isForUser ? { ...endpoint, ...user } : endpoint,
  };
}

describe.each(Object.entries(hostileAnswers))("%s", (_group, rows) => {
  test.each(rows)("$name", async (row) => {
    const { server, store, security, said, endpoint } = await meet(row);
    const outcome: unknown = await security.getToken(endpoint).catch((error: unknown) => error);
    if ("token" in row.comes) {
      const { token, lifeMs = 3_600_000 } = row.comes;
      expect(outcome).toMatchObject({ accessToken: token, tokenType: "Bearer" });
      expect(await security.getAuthHeader(endpoint)).toBe(`Bearer ${token}`);
      const { expiresAt, issuedAt } = await security.getToken(endpoint);
      expect(expiresAt - issuedAt).toBeCloseTo(lifeMs, 0);
      expect(server.attempts).toBe(1);
    } else {
      const { says, ...more } = row.comes;
      if (!isEndpointSecurityError(outcome))
        throw new Error("no error of ours", { cause: outcome });
      expect(outcome).toMatchObject({ ...more, endpoint: "orders", tokenUrl: endpoint.tokenUrl });
      expect(outcome.message).toMatch(says);
      expect(outcome.message).not.toMatch(/\p{C}/u);
      expect(outcome.message.length).toBeLessThan(1_000);
      expect(security.explain(endpoint)).toMatchObject({
        token: "none",
        lastError: { code: more.code },
      });
      expect([store.size, server.attempts > 1]).toEqual([0, false]);
      said.push(outcome);
    }
    said.push(security.explain(endpoint));

    // Nothing of it stays behind to stand in the way of the next token, in the cache or on the wire.
    server.fix();
    const before = server.attempts;
    // Who refuses the token has it renewed with the refresh token; who forgets it, without.
    const rejectedToken = row.isForUser && "token" in row.comes ? row.comes.token : undefined;
    if (rejectedToken === undefined) await security.invalidate(endpoint);
    if (hopeless(row)) {
      await expect(security.getAuthHeader(endpoint)).rejects.toMatchObject({ reason: "tls" });
    } else {
      expect(await security.getAuthHeader(endpoint, { rejectedToken })).toBe("Bearer mended");
      expect(server.attempts).toBe(before + 1);
      expect(security.explain(endpoint).lastError).toBeUndefined();
    }
    await security.close();
    expect(seenIn(said)).toEqual([]);
    expect(visitors).toEqual([]);
    await vi.waitFor(() => expect(server.leftBehind).toBe(0), { timeout: 5_000, interval: 5 });
    expect(unhandled).not.toHaveBeenCalled();
  });
});

/** A certificate is not mended by another answer. */
function hopeless({ certificate }: HostileAnswer): boolean {
  return certificate !== undefined && certificate !== "right";
}
