import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { createTokenEndpoint } from "endpoint-security/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { init } from "../../src/command/init.ts";
import { UsageError } from "../../src/command/usage.ts";
import { fileWith } from "./check-run.ts";

/** A file that isn't there, in a folder of its own. */
async function newFile(): Promise<string> {
  return join(dirname(await fileWith("")), "src", "endpoints.ts");
}

/** Runs the command. @returns its exit code and what it printed */
async function run(args: readonly string[], terminal: Parameters<typeof init>[1] = {}) {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    const code = await init(args, { isInteractive: false, ...terminal });
    const lines = [...log.mock.calls, ...error.mock.calls].map(([line]) => String(line));
    return { code, printed: stripVTControlCharacters(lines.join("\n")) };
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

async function start() {
  const idp = await createTokenEndpoint();
  onTestFinished(() => idp.close());
  return idp;
}

const down = "\u001b[B";
const enter = "\r";
const interrupt = "\u0003";

/** Somebody who answers each question with these keys, once. */
function typist(answers: Readonly<Record<string, string>>) {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 40 });
  let shown = "";
  const left = new Map(Object.entries(answers));
  output.on("data", (chunk: Buffer) => {
    shown += stripVTControlCharacters(chunk.toString());
    for (const [question, keys] of left) {
      if (!shown.includes(question)) continue;
      left.delete(question);
      setImmediate(() => input.write(keys));
    }
  });
  return { terminal: { isInteractive: true, input, output }, shown: () => shown };
}

describe("`endpoint-security init` without a terminal", () => {
  it("writes a module and the names of its secrets, and says what to do next", async () => {
    const out = await newFile();
    const flags = ["--out", out, "--name", "orders", "--url", "https://orders.example.com/v1"];
    const client = ["--issuer", "https://idp.example.com", "--client-id", "checkout"];
    const more = ["--scope", "orders.read", "--parameters", "audience=a&tenant=b"];
    const { code, printed } = await run([...flags, ...client, ...more]);
    expect(code).toBe(0);
    expect(printed).toContain("Not tried yet: clientSecret is not known.");
    expect(printed).toContain(`Set ORDERS_CLIENT_SECRET, then: npx endpoint-security check ${out}`);
    expect(
      await readFile(out, "utf8"),
    ).toBe(`// Written by \`npx endpoint-security init\`. Secrets come from the environment: see .env.example.
import type { BackendConfig } from "endpoint-security";

/** The endpoint "orders". */
export const orders = {
  name: "orders",
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  issuer: "https://idp.example.com",
  clientId: "checkout",
  clientSecret: () => process.env.ORDERS_CLIENT_SECRET ?? "",
  scope: "orders.read",
  audience: "a",
  customParameters: {
    tenant: "b",
  },
} satisfies BackendConfig;
`);
    expect(await readFile(join(dirname(out), ".env.example"), "utf8")).toBe(
      "# clientSecret\nORDERS_CLIENT_SECRET=\n",
    );
  });

  it("tries the endpoint with secrets of the environment, and exits with 1 where that fails", async () => {
    const idp = await start();
    vi.stubEnv("ORDERS_CLIENT_SECRET", "canary-secret");
    onTestFinished(() => void vi.unstubAllEnvs());
    const flags = ["--name", "orders", "--token-url", idp.tokenUrl, "--client-id", "checkout"];
    const works = await run(["--out", await newFile(), ...flags]);
    expect(works.code).toBe(0);
    expect(works.printed).toMatch(/✓ token request/);
    idp.failWith(400);
    const out = await newFile();
    const fails = await run(["--out", out, ...flags]);
    expect(fails.code).toBe(1);
    expect(fails.printed).toMatch(/✗ token request/);
    expect(await readFile(out, "utf8")).not.toContain("canary");
  });

  it.each([
    ["basic", ["ORDERS_USERNAME", "ORDERS_PASSWORD"]],
    ["digest", ["ORDERS_USERNAME", "ORDERS_PASSWORD"]],
    ["api_key", ["ORDERS_API_KEY"]],
    ["bearer", ["ORDERS_TOKEN"]],
  ])("writes an endpoint of type %s", async (type, variables) => {
    const out = await newFile();
    await run(["--out", out, "--name", "orders", "--type", type]);
    const module = await readFile(out, "utf8");
    expect(module).toContain(`type: "${type}"`);
    for (const variable of variables) expect(module).toContain(`process.env.${variable}`);
  });

  it.each(["client_secret_post", "private_key_jwt", "none"])(
    "writes a client that proves itself by %s",
    async (method) => {
      const out = await newFile();
      const flags = ["--name", "o", "--token-url", "https://idp.example.com/t", "--client-id", "c"];
      await run(["--out", out, ...flags, "--auth-method", method]);
      expect(await readFile(out, "utf8")).toContain(`tokenEndpointAuthMethod: "${method}"`);
    },
  );

  it.each([
    [[], "init needs --name, --issuer or --token-url, --client-id"],
    [
      ["--name", "o", "--type", "oauth1"],
      "--type is one of oauth2, basic, digest, api_key, bearer",
    ],
    [["--name", "o", "--grant", "implicit"], "--grant is one of client_credentials, password"],
    [["--colour"], "Unknown option '--colour'"],
  ])("says what %j lacks", async (flags, message) => {
    const running = run(["--out", await newFile(), ...flags]);
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toBeInstanceOf(UsageError);
  });

  it("overwrites a file only with --force", async () => {
    const out = await fileWith("precious", "endpoints.ts");
    const flags = ["--out", out, "--name", "orders", "--type", "bearer"];
    await expect(run(flags)).rejects.toThrow(`${out} is there already; --force overwrites it`);
    expect(await readFile(out, "utf8")).toBe("precious");
    expect((await run([...flags, "--force"])).code).toBe(0);
  });
});

describe("`endpoint-security init` in a terminal", () => {
  it("asks what isn't known, tries it, and writes no secret", async () => {
    const idp = await start();
    const out = await newFile();
    const { terminal, shown } = typist({
      "What is the endpoint called?": `checkout${enter}`,
      "What protects it?": enter,
      "URL of the backend": enter,
      "Which grant?": enter,
      "What is known of the authorization server?": down + enter,
      "Token URL\n": idp.tokenUrl + enter,
      "Client id": `checkout${enter}`,
      "How does the client prove itself?": down + enter,
      "Scope (empty: none)": enter,
      "Further parameters": enter,
      "clientSecret, to try it now": `canary-secret${enter}`,
    });
    const { code, printed } = await run(["--out", out], terminal);
    expect(printed).toMatch(/✓ token request/);
    expect(code).toBe(0);
    expect(idp.requests[0]?.parameters).toMatchObject({ client_secret: "canary-secret" });
    expect(shown()).not.toContain("canary");
    const module = await readFile(out, "utf8");
    expect(module).toContain('tokenEndpointAuthMethod: "client_secret_post"');
    expect(module).not.toContain("canary");
  });

  it("asks nothing that a flag says", async () => {
    const out = await newFile();
    const { terminal, shown } = typist({ "token, to try it now": enter });
    const flags = ["--name", "geocoding", "--type", "bearer", "--url", "https://geo.example.com"];
    expect((await run(["--out", out, ...flags], terminal)).code).toBe(0);
    expect(shown()).toContain("token, to try it now");
    expect(shown()).not.toMatch(/called|protects|backend/);
  });

  it("writes nothing after Ctrl-C, and exits with 130", async () => {
    const out = await newFile();
    const { terminal } = typist({ "What is the endpoint called?": interrupt });
    const { code, printed } = await run(["--out", out], terminal);
    expect(code).toBe(130);
    expect(printed).toBe("cancelled; nothing was written");
    await expect(readFile(out)).rejects.toThrow("ENOENT");
  });
});
