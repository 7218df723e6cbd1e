import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zipSync } from "fflate";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { importWso2 } from "../../src/command/import-wso2.ts";
import { UsageError } from "../../src/command/usage.ts";
import { api, oauth } from "../wso2/samples.ts";

const run = promisify(execFile);
const checkout = fileURLToPath(new URL("../../", import.meta.url));
const samples = join(checkout, "examples/wso2");
const orders = join(samples, "api-manager/Orders-1.0.0/api.yaml");
const deployment = join(samples, "api-manager/deployment.toml");

async function folderHere(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "endpoint-security-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the command. @returns its exit code and what it printed */
async function imported(...args: readonly string[]) {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    const code = await importWso2(args);
    return { code, printed: log.mock.calls.map(([line]) => String(line)).join("\n") };
  } finally {
    log.mockRestore();
  }
}

describe("`endpoint-security import wso2`", () => {
  it("writes a module that compiles under strict and is formatted, and the names of its secrets", async () => {
    const folder = await folderHere();
    const out = join(folder, "src/endpoints.ts");
    const { code, printed } = await imported(samples, "--deployment", deployment, "--out", out);
    // A key store has to be converted by hand.
    expect(code).toBe(1);
    expect(printed).toContain("keytool");
    const module = await readFile(out, "utf8");
    expect(module).toContain("export const orders = {");
    expect(module).toContain(
      'clientSecret: () => process.env.ORDERS_PRODUCTION_CLIENT_SECRET ?? ""',
    );
    expect(module).toContain("export const summaries = {");
    expect(module).toContain("export const redis = {");
    const names = (await readFile(join(folder, "src/.env.example"), "utf8")).match(/^\w+(?==$)/gm);
    const read = [...module.matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(read));

    await cp(join(checkout, "biome.json"), join(folder, "biome.json"));
    await symlink(join(checkout, "node_modules"), join(folder, "node_modules"), "dir");
    const biome = join(checkout, "node_modules/@biomejs/biome/bin/biome");
    await run(process.execPath, [biome, "check", "--vcs-enabled=false", "src"], { cwd: folder });
    const paths = { "endpoint-security": ["index"], "endpoint-security/redis": ["redis"] };
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      module: "nodenext",
      target: "es2023",
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      types: ["node"],
      paths: Object.fromEntries(
        Object.entries(paths).map(([name, [file]]) => [name, [join(checkout, `src/${file}.ts`)]]),
      ),
    };
    const config = { compilerOptions, include: ["src"] };
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(checkout, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, "-p", folder]).catch((error) => {
      throw new Error(error.stdout);
    });
  });

  it("never writes a secret that is in the file", async () => {
    const folder = await folderHere();
    const secret = "hunter2-in-the-file";
    const definition = api({
      ...oauth,
      clientSecret: secret,
      customParameters: { pin: { value: secret, secured: true } },
      proxyConfigType: "ENDPOINT_SPECIFIC",
      proxyConfigs: {
        proxyEnabled: true,
        proxyHost: "proxy.example.com",
        proxyPort: 3128,
        proxyUsername: "u",
        proxyPassword: secret,
      },
    });
    const file = join(folder, "api.json");
    await writeFile(file, JSON.stringify(definition));
    const out = join(folder, "endpoints.ts");
    const { code, printed } = await imported(file, "--out", out, "--json");
    expect(code).toBe(0);
    const module = await readFile(out, "utf8");
    expect(module + printed).not.toContain(secret);
    expect(module).toContain('pin: process.env.ORDERS_PRODUCTION_CUSTOM_PARAMETERS_PIN ?? "",');
    expect(module).toContain(
      'proxy: `http://u:${encodeURIComponent(process.env.ORDERS_PRODUCTION_PROXY_PASSWORD ?? "")}@proxy.example.com:3128`,',
    );
  });

  it("reads the zip of an export", async () => {
    const folder = await folderHere();
    const zip = join(folder, "Orders.zip");
    const files = {
      "Orders-1.0.0/api.yaml": await readFile(orders),
      "Orders-1.0.0/api_meta.yaml": Buffer.from("name: Orders\n"),
      "Orders-1.0.0/Definitions/swagger.yaml": Buffer.from("openapi: 3.0.0\n"),
    };
    await writeFile(zip, zipSync(files));
    const { code, printed } = await imported(zip, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({
      written: [],
      imported: [{ path: `${zip}:Orders-1.0.0/api.yaml` }],
    });
  });

  it("imports the others where one file can't be read, and exits with 1", async () => {
    const folder = await folderHere();
    await mkdir(join(folder, "A"));
    await mkdir(join(folder, "B"));
    await writeFile(join(folder, "A/api.yaml"), "data:\n\tname: A\n");
    await writeFile(join(folder, "B/api.json"), JSON.stringify(api(oauth)));
    const out = join(folder, "endpoints.ts");
    const { code, printed } = await imported(folder, "--out", out);
    expect(code).toBe(1);
    expect(printed).toContain("can't be read at line 2");
    expect(await readFile(out, "utf8")).toContain("export const orders = {");
  });

  it("overwrites nothing unless told to", async () => {
    const folder = await folderHere();
    const out = join(folder, "endpoints.ts");
    await writeFile(out, "mine\n");
    await expect(imported(orders, "--out", out)).rejects.toThrow("is there already");
    expect(await readFile(out, "utf8")).toBe("mine\n");
    expect(await readdir(folder)).toEqual(["endpoints.ts"]);
    await imported(orders, "--out", out, "--force");
    expect(await readFile(out, "utf8")).toContain("export const orders");
  });

  it.each([
    [[], "which file or folder?"],
    [["nowhere.yaml"], "the file or folder nowhere.yaml does not exist"],
    [[orders, "other.yaml"], "only one file or folder, and not other.yaml"],
    [[orders, "--params", "nowhere.yaml"], "the file nowhere.yaml does not exist"],
    [[orders, "--colour"], "Unknown option '--colour'"],
    [[join(checkout, "docs/pictures")], "contains neither an api.yaml nor a RestApi"],
  ])("given %j says what is wrong", async (args, message) => {
    const error = await imported(...args).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(message);
  });
});
