import { cp, lstat, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import tsupConfig from "../../tsup.config.ts";
import { createCertificateAuthority } from "../servers/certificate-authority.ts";
import { listen, respond } from "../servers/http-server.ts";
import { tlsOf } from "../servers/tls-server.ts";
import {
  buildAndPack,
  checkout,
  filesBelow,
  node,
  npm,
  type Packed,
  temporaryFolder,
  write,
} from "./project.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let packed: Packed;
/** A project with nothing but the tarball. */
let project: string;
/** The package as it is installed there. */
let installed: string;
/** Issues a token at /token; everything else says what it was sent. */
let server: Awaited<ReturnType<typeof listen>>;

const installOptions = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];

beforeAll(async () => {
  folder = await temporaryFolder();
  packed = await buildAndPack(folder.path);
  project = join(folder.path, "project");
  installed = join(project, "node_modules", "endpoint-security");
  await write(project, { "package.json": JSON.stringify({ name: "project", private: true }) });
  await npm(["install", ...installOptions, packed.tarball], project);
  server = await listen(({ url, headers }, res) =>
    url === "/token"
      ? respond(res, 200, { access_token: "issued", token_type: "Bearer", expires_in: 3600 })
      : respond(res, 200, { url, ...headers }),
  );
}, 240_000);

afterAll(async () => {
  await server?.close();
  await folder?.remove();
});

const endpoint = ({ url = "https://orders.example.com/v1" } = {}) =>
  JSON.stringify({
    url,
    grantType: "client_credentials",
    tokenUrl: `${server.origin}/token`,
    clientId: "checkout",
    clientSecret: "secret",
  });

async function runScript(name: string, text: string, home = project): Promise<string> {
  await write(home, { [name]: text });
  const { stdout, stderr } = await node([name], home);
  // require() of an ES module warns on Nodes that hold it for experimental.
  expect(stderr).toBe("");
  return stdout.trim();
}

describe("the tarball", () => {
  it("holds the build, its papers and nothing else", () => {
    const papers = [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "THIRD_PARTY_NOTICES.md",
      "package.json",
      "schema.json",
    ];
    expect(packed.files.filter((file) => !file.startsWith("dist/")).sort()).toEqual(papers);
    const built = packed.files.filter((file) => file.startsWith("dist/"));
    const entries = ["index.js", "index.d.ts", "index.cjs", "index.d.cts"];
    expect(built).toEqual(expect.arrayContaining(entries.map((file) => `dist/${file}`)));
    expect(built.filter((file) => !/^dist\/[\w-]+(\.d)?\.(c?ts|c?js)$/.test(file))).toEqual([]);
  });

  it("holds every file that `exports` names", async () => {
    const { exports } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
    const named = JSON.stringify(exports).match(/(?<="\.\/)[^"]+\.\w+(?=")/g) ?? [];
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((file) => !packed.files.includes(file))).toEqual([]);
  });

  it("comes with the licence of everything that is copied into it", async () => {
    const notices = await readFile(join(installed, "THIRD_PARTY_NOTICES.md"), "utf8");
    const [{ dts }] = tsupConfig as unknown as [{ dts: { resolve: string[] } }];
    const copied = [...packed.bundled, ...dts.resolve];
    const esModulesOnly = ["jose", "mimic-function", "oauth4webapi", "openid-client", "p-memoize"];
    const ofPrompts = [
      "@clack/core",
      "@clack/prompts",
      "fast-string-truncated-width",
      "fast-string-width",
      "fast-wrap-ansi",
      "sisteransi",
    ];
    expect(copied.toSorted()).toEqual(
      [
        ...esModulesOnly,
        ...ofPrompts,
        "fflate",
        "leven",
        "lru-cache",
        "@standard-schema/spec",
      ].toSorted(),
    );
    for (const name of copied) {
      const source = join(checkout, "node_modules", name);
      const licence = (await filesBelow(source)).find((file) => /^licen[cs]e(\.md)?$/i.test(file));
      expect(notices).toContain(`## ${name}\n`);
      expect(notices).toContain((await readFile(join(source, licence ?? ""), "utf8")).trim());
    }
  });

  it("has declarations that need nothing but what is installed, or an optional peer", async () => {
    const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
    const allowed = new Set(
      Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
    );
    const needed: (readonly [module: string, file: string])[] = [];
    for (const file of packed.files.filter((name) => /\.d\.c?ts$/.test(name))) {
      const text = await readFile(join(installed, file), "utf8");
      for (const [, module = ""] of text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
        if (!module.startsWith(".")) needed.push([module, file]);
      }
    }
    expect(needed.filter(([module]) => !allowed.has(module))).toEqual([]);
    // The main entry's types are its own: whoever uses them needs to know of no other library.
    expect(needed.filter(([, file]) => file.startsWith("dist/index."))).toEqual([]);
  });

  it("loads no library for OAuth, JOSE or caching with the main entry", async () => {
    const loaded = new Set<string>();
    const load = async (file: string) => {
      if (loaded.has(file)) return;
      loaded.add(file);
      const text = await readFile(join(installed, "dist", file), "utf8");
      for (const [, module = ""] of text.matchAll(
        /^(?:import|export)\b[^'"(]*["']([^'"]+)["']/gm,
      )) {
        if (module.startsWith("./")) await load(module.slice(2));
        else loaded.add(module);
      }
    };
    await load("index.js");
    const modules = [...loaded].filter((name) => !name.endsWith(".js"));
    expect(modules.filter((name) => !name.startsWith("node:")).sort()).toEqual(["p-memoize"]);
  });
});

describe("an installation", () => {
  it("adds at most 8 packages besides it, and 3.4 MiB in all", async () => {
    const modules = join(project, "node_modules");
    const lock = JSON.parse(await readFile(join(modules, ".package-lock.json"), "utf8"));
    const others = Object.keys(lock.packages)
      .map((path) => path.slice("node_modules/".length))
      .filter((name) => name !== "endpoint-security");
    expect(others.length, others.join(", ")).toBeLessThanOrEqual(8);

    let bytes = 0;
    let onDisk = 0;
    for (const file of await filesBelow(modules)) {
      const { size, blocks } = await lstat(join(modules, file));
      bytes += size;
      onDisk += blocks * 512;
    }
    // Both, because a file takes whole blocks: many small ones take more than they hold.
    expect(bytes).toBeLessThanOrEqual(3.4 * 1024 * 1024);
    expect(onDisk).toBeLessThanOrEqual(3.4 * 1024 * 1024);
  });

  it("gets a header for an ES module", async () => {
    const header = await runScript(
      "import.mjs",
      `import { EndpointSecurity } from "endpoint-security";
       console.log(await new EndpointSecurity().getAuthHeader(${endpoint()}));`,
    );
    expect(header).toBe("Bearer issued");
  });

  it("gets a header for a CommonJS module, by require()", async () => {
    const header = await runScript(
      "require.cjs",
      `const { EndpointSecurity } = require("endpoint-security");
       new EndpointSecurity().getAuthHeader(${endpoint()}).then((header) => console.log(header));`,
    );
    expect(header).toBe("Bearer issued");
  });

  it("recognises the errors of the other build, and wraps with its instances", async () => {
    const known = await runScript(
      "both.cjs",
      `const { ClosedError, isEndpointSecurityError, EndpointSecurity } = require("endpoint-security");
       const { azureCredential } = require("endpoint-security/azure");
       import("endpoint-security").then(async (imported) => {
         const credential = azureCredential(new imported.EndpointSecurity(), ${endpoint()});
         console.log(
           isEndpointSecurityError(new imported.ClosedError()),
           imported.isEndpointSecurityError(new ClosedError()),
           (await credential.getToken("a")).token);
       });`,
    );
    expect(known).toBe("true true issued");
  });

  it("serves Azure's and Google's clients, and needs nothing of theirs", async () => {
    const tokens = await runScript(
      "clouds.mjs",
      `import { EndpointSecurity } from "endpoint-security";
       import { azureCredential } from "endpoint-security/azure";
       import { googleAuthClient } from "endpoint-security/google";
       const security = new EndpointSecurity();
       const credential = azureCredential(security, ${endpoint()});
       const client = googleAuthClient({}, security, ${endpoint()});
       console.log((await credential.getToken("a")).token, (await client.getAccessToken()).token);`,
    );
    expect(tokens).toBe("issued issued");
  });

  it("changes and starts nothing when it is imported", async () => {
    const changes = await runScript(
      "quiet.mjs",
      `import { createHook } from "node:async_hooks";
       import { isDeepStrictEqual } from "node:util";
       for (const name of ["performance", "crypto", "fetch"]) globalThis[name]; // made when first read
       const seen = () => ({
         globals: Object.getOwnPropertyNames(globalThis).map((name) => {
           const { value, get } = Object.getOwnPropertyDescriptor(globalThis, name);
           return [name, value ?? get];
         }),
         listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
         env: { ...process.env },
       });
       const started = [];
       const before = seen();
       const hook = createHook({ init: (_, type) => started.push(type) }).enable();
       await import("endpoint-security");
       hook.disable();
       const after = seen();
       console.log(JSON.stringify({
         changed: Object.keys(after).filter((part) => !isDeepStrictEqual(after[part], before[part])),
         started: started.filter((type) => !/^(PROMISE|FSREQ|FILEHANDLE|TickObject|Microtask)/.test(type)),
       }));`,
    );
    expect(JSON.parse(changes)).toEqual({ changed: [], started: [] });
  });

  it("shows nothing but what `exports` names", async () => {
    const code = await runScript(
      "deep.mjs",
      `await import("endpoint-security/dist/index.js").catch(({ code }) => console.log(code));`,
    );
    expect(code).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  it("says what to install where axios is missing", async () => {
    const message = await runScript(
      "no-axios.mjs",
      `await import("endpoint-security/axios").catch(({ message }) => console.log(message));`,
    );
    expect(message).toContain("Cannot find package 'axios'");
  });

  it("says what to install where undici is missing, and needs it for `transport` alone", async () => {
    const said = await runScript(
      "no-undici.mjs",
      `import { EndpointSecurity } from "endpoint-security";
       const bare = ${endpoint()};
       const tell = ({ code, message }) => console.log(code, message);
       const security = new EndpointSecurity();
       console.log(await security.getAuthHeader(bare));
       await security.getAuthHeader({ ...bare, clientId: "b", transport: { timeoutMs: 5_000 } }).catch(tell);
       const url = "https://orders.example.com";
       const account = { type: "basic", url, username: "a", password: "b" };
       const closed = new EndpointSecurity({ transport: { proxy: "http://127.0.0.1:9" } });
       await closed.wrapFetch(account)("/42").catch(tell);`,
    );
    const [header, ...errors] = said.split("\n");
    expect(header).toBe("Bearer issued");
    expect(errors).toHaveLength(2);
    for (const error of errors) {
      expect(error).toMatch(/^invalid_configuration .*transport .*npm install undici@7/);
    }
  });
});

describe("an installation beside other majors of its optional peers", () => {
  it("succeeds, sends what needs none of them, and names a version that it can't use", async () => {
    const home = join(folder.path, "others");
    const manifest = { name: "others", private: true, type: "module" };
    await write(home, { "package.json": JSON.stringify(manifest) });
    const others = ["axios@0.27", "undici@6", "@keyv/redis@4"];
    await npm(["install", ...installOptions, packed.tarball, ...others], home);
    const script = `
      import axios from "axios";
      import { EndpointSecurity } from "endpoint-security";
      import { wrapAxios } from "endpoint-security/axios";
      const security = new EndpointSecurity();
      const endpoint = ${endpoint({ url: server.origin })};
      console.log((await security.wrapFetch(endpoint)("/x")).status);
      try {
        wrapAxios(axios.create(), security, endpoint);
      } catch ({ code, message }) {
        console.log(code, message);
      }
    `;
    const [status, error] = (await runScript("others.js", script, home)).split("\n");
    expect(status).toBe("200");
    expect(error).toContain("invalid_configuration");
    expect(error).toContain("axios is 0.27.2, and wrapAxios needs 1.7 or later");
  }, 120_000);
});

describe("an installation beside axios", () => {
  /** Wraps an instance of axios, and prints what the backend was sent. */
  const script = (loading: string) => `${loading}
    const security = new EndpointSecurity();
    const instance = axios.create();
    wrapAxios(instance, security, ${endpoint({ url: `${server.origin}/v1` })});
    instance.post("orders", { id: 42 }, { headers: { "x-own": "kept" } })
      .then(({ data }) => console.log(JSON.stringify(data)));`;
  const loadings = {
    "import.mjs": `
      import axios from "axios";
      import { EndpointSecurity } from "endpoint-security";
      import { wrapAxios } from "endpoint-security/axios";`,
    "require.cjs": `
      const axios = require("axios");
      const { EndpointSecurity } = require("endpoint-security");
      const { wrapAxios } = require("endpoint-security/axios");`,
    "both-builds.mjs": `
      import { createRequire } from "node:module";
      import axios from "axios";
      import { EndpointSecurity } from "endpoint-security";
      const { wrapAxios } = createRequire(import.meta.url)("endpoint-security/axios");`,
  };
  let oldest: string;
  let newest: string;

  beforeAll(async () => {
    const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
    const floor = manifest.peerDependencies.axios.replace("^", "");
    oldest = join(folder.path, "oldest-axios");
    await cp(project, oldest, { recursive: true });
    await npm(["install", ...installOptions, `axios@${floor}`], oldest);
    newest = join(folder.path, "newest-axios");
    await cp(project, newest, { recursive: true });
    await symlink(join(checkout, "node_modules/axios"), join(newest, "node_modules/axios"), "dir");
  }, 120_000);

  it.each([
    { age: "oldest", file: "import.mjs" },
    { age: "oldest", file: "require.cjs" },
    { age: "newest", file: "import.mjs" },
    { age: "newest", file: "require.cjs" },
    { age: "newest", file: "both-builds.mjs" },
  ] as const)("wraps the $age axios that is allowed, in $file", async ({ age, file }) => {
    const home = age === "oldest" ? oldest : newest;
    const sent = await runScript(file, script(loadings[file]), home);
    expect(JSON.parse(sent)).toMatchObject({
      url: "/v1/orders",
      authorization: "Bearer issued",
      "content-type": "application/json",
      "x-own": "kept",
    });
  });
});

describe("the command of an installation", () => {
  const bin = "node_modules/endpoint-security/dist/command.js";
  const orders = join(checkout, "examples/wso2/api-manager/Orders-1.0.0");

  it("says which packages it needs", async () => {
    const running = node([bin, "import", "wso2", orders], project);
    await expect(running).rejects.toThrow("npm install --save-dev yaml smol-toml");
  });

  it("imports an export of WSO2, and is linked by its name", async () => {
    const home = join(folder.path, "command");
    await cp(project, home, { recursive: true });
    for (const name of ["yaml", "smol-toml"]) {
      await symlink(join(checkout, "node_modules", name), join(home, "node_modules", name), "dir");
    }
    const { stdout, stderr } = await node([bin, "import", "wso2", orders, "--out", "a.ts"], home);
    expect(stderr).toBe("");
    expect(stdout).toContain("wrote a.ts");
    expect(await readFile(join(home, "a.ts"), "utf8")).toContain("export const orders = {");
    const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
    expect(manifest.bin).toEqual({ "endpoint-security": "dist/command.js" });
    expect(await readFile(join(home, bin), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

describe("an installation beside undici", () => {
  it.each(["import", "require"])("composes an agent of undici's, by %s", async (by) => {
    const home = join(folder.path, `undici-${by}`);
    await cp(project, home, { recursive: true });
    await symlink(join(checkout, "node_modules/undici"), join(home, "node_modules/undici"), "dir");
    const names = {
      undici: "{ Agent, request }",
      "endpoint-security": "{ EndpointSecurity }",
      "endpoint-security/undici": "{ authInterceptor }",
    };
    const loading = Object.entries(names).map(([module, name]) =>
      by === "import"
        ? `import ${name} from "${module}";`
        : `const ${name} = require("${module}");`,
    );
    const sent = await runScript(
      by === "import" ? "undici.mjs" : "undici.cjs",
      `${loading.join("\n")}
       const auth = authInterceptor(new EndpointSecurity(), ${endpoint({ url: `${server.origin}/v1` })});
       const dispatcher = new Agent().compose(auth);
       request("${server.origin}/v1/orders", { dispatcher, headers: { "x-own": "kept" } })
         .then(({ body }) => body.text())
         .then((text) => { console.log(text); return dispatcher.close(); });`,
      home,
    );
    expect(JSON.parse(sent)).toMatchObject({
      url: "/v1/orders",
      authorization: "Bearer issued",
      "x-own": "kept",
    });
  });

  it("has requests travel as `transport` says", async () => {
    const home = join(folder.path, "undici-transport");
    await cp(project, home, { recursive: true });
    await symlink(join(checkout, "node_modules/undici"), join(home, "node_modules/undici"), "dir");
    const sent = await runScript(
      "transport.mjs",
      `import { EndpointSecurity } from "endpoint-security";
       const transport = { connectTimeoutMs: 5_000, keepAliveTimeoutMs: 600_000 };
       const security = new EndpointSecurity({ transport });
       const orders = ${endpoint({ url: `${server.origin}/v1` })};
       const response = await security.wrapFetch(orders)("/42");
       console.log(await response.text());
       await security.close();`,
      home,
    );
    expect(JSON.parse(sent)).toMatchObject({ url: "/v1/42", authorization: "Bearer issued" });
  });

  it("trusts the authorities of NODE_EXTRA_CA_CERTS beside those of `transport.ca`", async () => {
    const home = join(folder.path, "undici-ca");
    await cp(project, home, { recursive: true });
    await symlink(join(checkout, "node_modules/undici"), join(home, "node_modules/undici"), "dir");
    const [added, given] = await Promise.all([
      createCertificateAuthority("Added"),
      createCertificateAuthority("Given"),
    ]);
    const token = { access_token: "issued", token_type: "Bearer", expires_in: 3600 };
    const servers = await Promise.all(
      [added, given].map(async (authority) =>
        listen((_req, res) => respond(res, 200, token), { tls: await tlsOf(authority) }),
      ),
    );
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await Promise.all(servers.map((one) => one.close()));
    });
    await write(home, { "added.pem": added.certificate });
    vi.stubEnv("NODE_EXTRA_CA_CERTS", join(home, "added.pem"));
    const headers = await runScript(
      "ca.mjs",
      `import { EndpointSecurity } from "endpoint-security";
       const security = new EndpointSecurity({ transport: { ca: ${JSON.stringify(given.certificate)} } });
       for (const origin of ${JSON.stringify(servers.map(({ origin }) => origin))}) {
         const orders = { ...${endpoint()}, tokenUrl: origin + "/token" };
         console.log(await security.getAuthHeader(orders));
       }
       await security.close();`,
      home,
    );
    expect(headers).toBe("Bearer issued\nBearer issued");
  });
});

describe("a TypeScript project", () => {
  const consumer = `
    import { EndpointSecurity, type EndpointConfig, isEndpointSecurityError } from "endpoint-security";

    const orders = {
      url: "https://orders.example.com/v1",
      grantType: "client_credentials",
      tokenUrl: "https://idp.example.com/oauth2/token",
      clientId: "checkout",
      clientSecret: async () => "secret",
      customParameters: { audience: "orders" },
    } satisfies EndpointConfig;
    const security = new EndpointSecurity();
    export const header: Promise<string> = security.getAuthHeader(orders);
    export const ordersFetch: typeof fetch = security.wrapFetch(orders);
    // @ts-expect-error a configuration without a client
    security.getAuthHeader({ grantType: "client_credentials", tokenUrl: "https://idp.example.com" });
    export const codeOf = (error: unknown) => (isEndpointSecurityError(error) ? error.code : undefined);
    import { azureCredential } from "endpoint-security/azure";
    export const token = azureCredential(security, orders).getToken("a").then(({ token }) => token);
    import { googleAuthClient } from "endpoint-security/google";
    // @ts-expect-error no client of google-auth-library
    googleAuthClient({}, security, orders);
    import { fromApiDefinition } from "endpoint-security/wso2";
    export const orders2 = fromApiDefinition({}).production?.url;
  `;
  const clientsConsumer = `${consumer}
    import { wrapAxios } from "endpoint-security/axios";
    import axios from "axios";
    export const off: () => void = wrapAxios(axios.create(), security, orders);
    import { authInterceptor } from "endpoint-security/undici";
    import { Agent, type Dispatcher } from "undici";
    export const agent: Dispatcher = new Agent().compose(authInterceptor(security, orders));
  `;

  it.each([
    {
      module: "NodeNext",
      resolution: "NodeNext",
      files: { "module.mts": clientsConsumer, "common.cts": consumer },
    },
    { module: "ESNext", resolution: "Bundler", files: { "bundled.ts": clientsConsumer } },
  ])("compiles with $resolution, libraries checked too", async ({ module, resolution, files }) => {
    const home = join(folder.path, `types-${resolution}`);
    const compilerOptions = {
      module,
      moduleResolution: resolution,
      target: "ES2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: ["node"],
    };
    await write(home, {
      "package.json": JSON.stringify({ private: true }),
      "tsconfig.json": JSON.stringify({ compilerOptions, files: Object.keys(files) }),
      ...files,
    });
    // A copy: a link would look for axios beside the original, where there is none.
    await cp(installed, join(home, "node_modules", "endpoint-security"), { recursive: true });
    for (const name of ["axios", "@types", "undici", "undici-types"]) {
      const types = join(checkout, "node_modules", name);
      await symlink(types, join(home, "node_modules", name), "dir");
    }
    const compiler = join(checkout, "node_modules", "typescript", "lib", "tsc.js");
    const { stdout } = await node([compiler, "-p", "."], home);
    expect(stdout).toBe("");
  });
});
