import { EndpointSecurity } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import { environment, fromDeploymentToml } from "endpoint-security/wso2";
import { describe, expect, it } from "vitest";
import { problemsOf, sample } from "./samples.ts";

const toml = sample("api-manager/deployment.toml");

describe("A deployment.toml", () => {
  it("gives Redis and the defaults, as createRedisCache and EndpointSecurity take them", () => {
    const secrets = { "redis.password": "p" };
    const { redis, defaults } = fromDeploymentToml(toml, { secrets });
    expect(redis).toEqual({
      host: "redis.example.com",
      port: 6379,
      username: "gateway",
      password: "p",
      database: 1,
      tls: true,
      connectTimeoutMs: 3_000,
    });
    expect(defaults).toEqual({
      renewal: { defaultLifetimeMs: 3_600_000 },
      tokenRequest: { attemptTimeoutMs: 6_000 },
      transport: {
        proxy: "http://proxy.example.com:3128",
        noProxy: ["localhost", "127.0.0.0/8", "*.internal.example.com"],
      },
    });
    expect(
      () => new EndpointSecurity({ ...defaults, cache: redis && createRedisCache(redis) }),
    ).not.toThrow();
  });

  it("asks for the password of Redis that the gateway keeps in its vault", () => {
    expect(
      problemsOf(() => fromDeploymentToml(toml, { secrets: environment("gateway", {}) })),
    ).toEqual(["redis.password is in the gateway's own secure vault; set GATEWAY_REDIS_PASSWORD"]);
  });

  it("may have [redis_config], as the documentation writes it", () => {
    const { redis } = fromDeploymentToml('[redis_config]\nhost = "localhost"\npassword = ""\n');
    expect(redis).toEqual({ host: "localhost" });
  });

  it("of API Platform is read too", () => {
    const { redis, report } = fromDeploymentToml(sample("api-platform/config.toml"));
    expect(redis).toEqual({
      host: "redis.example.com",
      port: 6380,
      username: "gateway",
      password: "secret-in-the-file",
      database: 2,
      keyPrefix: "oauth",
      connectTimeoutMs: 3_000,
    });
    expect(JSON.stringify(report)).not.toContain("secret-in-the-file");
  });

  it("without Redis gives none", () => {
    expect(fromDeploymentToml("[server]\nhostname = 'a'\n")).toMatchObject({
      redis: undefined,
      defaults: {},
    });
  });

  it("says how to convert the trust store, and which hosts no pattern stands for", () => {
    const { report } = fromDeploymentToml(`${toml.replace("localhost|", "app-*-east|")}`, {
      secrets: { "redis.password": "p" },
    });
    const fixes = report.left.flatMap(({ fix }) => fix ?? []);
    expect(fixes.join("\n")).toContain("keytool -list -rfc -keystore");
    expect(report.left).toContainEqual({
      path: "apim.proxy_config.nonProxyHosts",
      note: "is transport.noProxy, but for app-*-east: no pattern here says that",
      fix: "add the hosts it stands for to transport.noProxy",
    });
  });
});
