import { createHash } from "node:crypto";
import { access, chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installPackage } from "./install-package.ts";
import { findOnPath } from "./redis/find-on-path.ts";
import { onFreePort, PortTakenError } from "./redis/free-port.ts";
import { launch } from "./redis/redis-process.ts";
import { removeFolder, temporaryFolder } from "./redis/temporary-folder.ts";

interface Installation {
  readonly program: string;
  readonly modules: string;
}

export interface ApacheUser {
  readonly username: string;
  readonly password: string;
}

const realm = "apache";
const needed = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest"];

/** Apache httpd with mod_auth_digest, installed first in CI; else why there is none. */
export async function apacheForTests(): Promise<Installation | { readonly skipped: string }> {
  let program = await onPath();
  if (program === undefined && process.env.CI === "true") {
    const failure = await installPackage("apache2", "apache2");
    if (failure !== undefined) return { skipped: `no Apache for the tests: ${failure.missing}` };
    program = await onPath();
  }
  if (program === undefined) {
    return { skipped: "no Apache for the tests: neither apache2 nor httpd is on the PATH" };
  }
  for (const modules of ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"]) {
    if (await exists(join(modules, "mod_auth_digest.so"))) return { program, modules };
  }
  return { skipped: "no Apache for the tests: it has no mod_auth_digest" };
}

/**
 * Apache with `/` behind Digest (MD5, qop=auth), and `/brief/` where nonces are good for a second.
 * What it answered is in its log.
 */
export async function startApache(
  { program, modules }: Installation,
  users: readonly ApacheUser[],
): Promise<RunningApache> {
  const folder = await temporaryFolder("endpoint-security-apache");
  // Its workers are another user than root.
  await chmod(folder, 0o755);
  await mkdir(join(folder, "www", "brief"), { recursive: true });
  for (const file of ["page.txt", "brief/page.txt"]) {
    await writeFile(join(folder, "www", file), "hello");
  }
  const lines = users.map(({ username, password }) => {
    const secret = createHash("md5").update(`${username}:${realm}:${password}`).digest("hex");
    return `${username}:${realm}:${secret}\n`;
  });
  await writeFile(join(folder, "users"), lines.join(""));
  const log = join(folder, "access.log");

  const run = async (port: number) => {
    const config = join(folder, "httpd.conf");
    await writeFile(config, configuration(folder, modules, port));
    const output = join(folder, "output.log");
    const server = await launch(program, ["-f", config, "-DFOREGROUND"], output);
    while (!(await answers(port))) {
      if (server.running) continue;
      const said = await readFile(output, "utf8");
      const errors = await readFile(join(folder, "error.log"), "utf8").catch(() => "");
      if (/in use/.test(said + errors)) throw new PortTakenError(said);
      throw new Error(`Apache did not start: ${said}${errors}`);
    }
    return { port, server };
  };

  let { port, server } = await onFreePort(run);
  const stop = async () => {
    server.signal("SIGTERM");
    await server.exited();
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    statuses: async () =>
      (await readFile(log, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map(Number),
    restart: async () => {
      await stop();
      ({ server } = await run(port));
    },
    stop: async () => {
      await stop();
      await removeFolder(folder);
    },
  };
}

export interface RunningApache {
  readonly origin: string;
  /** Of all answers so far, but for those to the question whether it runs. */
  statuses(): Promise<readonly number[]>;
  /** With another secret, so that it doesn't know its nonces any more. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

function configuration(folder: string, modules: string, port: number): string {
  const digest = `AuthType Digest
    AuthName "${realm}"
    AuthDigestProvider file
    AuthUserFile ${folder}/users
    Require valid-user`;
  return `
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/httpd.pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
${needed.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join("\n")}
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
LogFormat "%>s" status
CustomLog ${folder}/access.log status "expr=%{REQUEST_URI} != '/ready'"
BufferedLogs Off
DocumentRoot ${folder}/www
StartServers 1
<Location />
    ${digest}
    AuthDigestNonceLifetime 3600
</Location>
<Location /brief>
    ${digest}
    AuthDigestNonceLifetime 1
</Location>
<Location /ready>
    Require all granted
</Location>
`;
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/ready`).then(
    () => true,
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return false;
    },
  );
}

async function onPath(): Promise<string | undefined> {
  return (await findOnPath("apache2")) ?? (await findOnPath("httpd"));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
