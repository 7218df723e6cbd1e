import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWithRedis, redisHere } from "../redis/redis-suite.ts";
import { buildAndPack, node, npm, type Packed, temporaryFolder, write } from "./project.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let packed: Packed;

beforeAll(async () => {
  folder = await temporaryFolder();
  packed = await buildAndPack(folder.path);
}, 240_000);

afterAll(async () => {
  await folder?.remove();
});

const peers = ["axios@1", "undici@7", "@keyv/redis@5", "yaml@2", "smol-toml@1"];

/** A project of its own with the tarball, its optional peers and what else it names. */
async function project(
  name: string,
  packages: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const home = join(folder.path, name);
  await write(home, { "package.json": JSON.stringify({ name, private: true }), ...files });
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await npm(["install", ...options, packed.tarball, ...peers, ...packages], home);
  return home;
}

/** Fails with Jest's report when a test of the project fails. */
async function runJest(home: string): Promise<string> {
  const { stderr } = await node(["node_modules/jest/bin/jest.js", "--ci"], home);
  return stderr;
}

/** Asks a local token endpoint by way of every entry; for Jest's globals. */
const tests = `
  const endpoint = (origin: string) => ({
    url: origin,
    grantType: "client_credentials" as const,
    tokenUrl: origin + "/token",
    clientId: "checkout",
    clientSecret: "secret",
  });
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    server = createServer((req, res) => {
      res.setHeader("content-type", "application/json");
      const token = { access_token: "issued", token_type: "Bearer", expires_in: 3600 };
      res.end(JSON.stringify(req.url === "/token" ? token : { sent: req.headers.authorization }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
    origin = "http://127.0.0.1:" + (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  test("gets a header, and wraps fetch, axios and undici", async () => {
    const security = new EndpointSecurity({ transport: { connectTimeoutMs: 5000 } });
    expect(await security.getAuthHeader(endpoint(origin))).toBe("Bearer issued");
    const response = await security.wrapFetch(endpoint(origin))("/1");
    expect(await response.json()).toEqual({ sent: "Bearer issued" });
    const client = axios.create();
    wrapAxios(client, security, endpoint(origin));
    expect((await client.get("/1")).data).toEqual({ sent: "Bearer issued" });
    const dispatcher = new Agent().compose(authInterceptor(security, endpoint(origin)));
    const { body } = await request(origin + "/1", { dispatcher });
    expect(await body.json()).toEqual({ sent: "Bearer issued" });
    await dispatcher.close();
    await security.close();
  });
  test("gets tokens for Azure's and Google's clients", async () => {
    const security = new EndpointSecurity();
    const credential = azureCredential(security, endpoint(origin));
    expect((await credential.getToken("a")).token).toBe("issued");
    expect(typeof googleAuthClient).toBe("function");
  });
  test("throws typed errors for a configuration and for a cache", async () => {
    const wrong: any = { grantType: "client_credentials" };
    const error = await new EndpointSecurity().getAuthHeader(wrong).catch((thrown) => thrown);
    expect(isEndpointSecurityError(error)).toBe(true);
    expect(error).toBeInstanceOf(ConfigurationError);
    const none: any = {};
    expect(() => createRedisCache(none)).toThrow(/Redis/);
    expect(() => fromApiDefinition({ environments: [{ name: "a" }] }, { environment: "b" })).toThrow(
      ConfigurationError,
    );
    expect(fakeSecurity()).toBeInstanceOf(EndpointSecurity);
  });
`;

const imports = `
  import { createServer, type Server } from "node:http";
  import type { AddressInfo } from "node:net";
  import axios from "axios";
  import { Agent, request } from "undici";
  import { ConfigurationError, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
  import { wrapAxios } from "endpoint-security/axios";
  import { azureCredential } from "endpoint-security/azure";
  import { googleAuthClient } from "endpoint-security/google";
  import { createRedisCache } from "endpoint-security/redis";
  import { fakeSecurity } from "endpoint-security/testing";
  import { authInterceptor } from "endpoint-security/undici";
  import { fromApiDefinition } from "endpoint-security/wso2";
`;

/** For a Jest without TypeScript. */
const withoutTypes = (text: string) =>
  text.replace(/, type Server|: (string|any|Server)(?=[);\s])| as (const|AddressInfo)|<void>/g, "");

const versions = { jest: "jest@29", tsJest: "ts-jest@29", typescript: "typescript@5.9" };
const types = ["@types/node@22", "@types/jest@29"];

describe("require() of every entry works", () => {
  it("in Jest with its default transform by Babel", async () => {
    const untyped = imports.replace(/^.*import type.*$/m, "");
    const home = await project("babel-jest", [versions.jest, "@babel/preset-env@7"], {
      "babel.config.js": `module.exports = {
        presets: [["@babel/preset-env", { targets: { node: "current" } }]] };`,
      "orders.test.js": withoutTypes(untyped + tests),
    });
    expect(await runJest(home)).toContain("3 passed");
  }, 240_000);

  it("in ts-jest with `module: commonjs`", async () => {
    const { jest, tsJest, typescript } = versions;
    const home = await project("ts-jest", [jest, tsJest, typescript, ...types], {
      "jest.config.js": `module.exports = { preset: "ts-jest" };`,
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          module: "commonjs",
          target: "ES2022",
          strict: true,
          esModuleInterop: true,
        },
      }),
      "orders.test.ts": imports + tests,
    });
    expect(await runJest(home)).toContain("3 passed");
  }, 240_000);

  it.each([
    {
      made: "10",
      options: { module: "commonjs" },
    },
    {
      made: "11",
      options: {
        module: "nodenext",
        moduleResolution: "nodenext",
        resolvePackageJsonExports: true,
        isolatedModules: true,
      },
    },
  ])(
    "in a NestJS project as version $made of its CLI makes it",
    async ({ made, options }) => {
      const { jest, tsJest, typescript } = versions;
      const nest = ["common", "core", "platform-express", "testing"].map(
        (part) => `@nestjs/${part}@${made}`,
      );
      const others = ["reflect-metadata@0.2", "rxjs@7"];
      const packages = [jest, tsJest, typescript, ...types, ...nest, ...others];
      const home = await project(`nest-${made}`, packages, {
        "jest.config.js": `module.exports = {
        moduleFileExtensions: ["js", "json", "ts"],
        rootDir: "src",
        testRegex: ".*\\\\.spec\\\\.ts$",
        transform: { "^.+\\\\.(t|j)s$": "ts-jest" },
        testEnvironment: "node",
      };`,
        "tsconfig.json": JSON.stringify({
          compilerOptions: {
            ...options,
            declaration: true,
            emitDecoratorMetadata: true,
            experimentalDecorators: true,
            allowSyntheticDefaultImports: true,
            esModuleInterop: true,
            target: "ES2023",
            outDir: "./dist",
            strict: true,
            skipLibCheck: true,
          },
          include: ["src"],
          exclude: ["**/*.spec.ts"],
        }),
        "src/orders.service.ts": `
        import { Injectable } from "@nestjs/common";
        import { EndpointSecurity, type EndpointConfig } from "endpoint-security";

        const orders = {
          type: "basic",
          username: "user",
          password: "password",
        } satisfies EndpointConfig;

        @Injectable()
        export class OrdersService {
          readonly #security = new EndpointSecurity();
          header(): Promise<string> {
            return this.#security.getAuthHeader(orders);
          }
        }`,
        "src/main.ts": `
        import "reflect-metadata";
        import { Module } from "@nestjs/common";
        import { NestFactory } from "@nestjs/core";
        import { OrdersService } from "./orders.service";

        @Module({ providers: [OrdersService] })
        class AppModule {}

        NestFactory.createApplicationContext(AppModule, { logger: false })
          .then((app) => app.get(OrdersService).header())
          .then((header) => console.log(header));`,
        "src/orders.service.spec.ts": `
        import { Test } from "@nestjs/testing";
        import { OrdersService } from "./orders.service";

        test("a provider gets a header", async () => {
          const module = await Test.createTestingModule({ providers: [OrdersService] }).compile();
          expect(await module.get(OrdersService).header()).toMatch(/^Basic /);
        });`,
        "src/entries.spec.ts": imports + tests,
      });
      expect(await runJest(home)).toContain("4 passed");
      await node(["node_modules/typescript/bin/tsc", "-p", "."], home);
      const { stdout } = await node(["dist/main.js"], home);
      expect(stdout).toMatch(/^Basic /);
    },
    240_000,
  );
});

describeWithRedis("A CommonJS service with a Redis cache", () => {
  it("shares its tokens, and has no trouble with the cache", async () => {
    const { url } = await redisHere();
    const home = await project("shared", [], {
      "service.js": `
        const { EndpointSecurity } = require("endpoint-security");
        const { createRedisCache } = require("endpoint-security/redis");
        let requests = 0;
        const fetch = async () =>
          Response.json({ access_token: "token-" + ++requests, token_type: "Bearer", expires_in: 3600 });
        const endpoint = {
          grantType: "client_credentials",
          tokenUrl: "https://idp.example.test/token",
          clientId: "checkout",
          clientSecret: "secret",
        };
        const start = () => {
          const cache = createRedisCache({ url: ${JSON.stringify(url)} });
          const security = new EndpointSecurity({ cache, fetch, cacheTimeoutMs: 20_000 });
          security.on("cacheFailed", ({ message }) => console.log(message));
          return security;
        };
        void (async () => {
          const services = [start(), start()];
          for (const security of services) console.log(await security.getAuthHeader(endpoint));
          for (const security of services) await security.close();
        })();`,
    });
    const { stdout } = await node(["service.js"], home);
    expect(stdout.trim().split("\n")).toEqual(["Bearer token-1", "Bearer token-1"]);
  }, 240_000);
});
