import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findOnPath } from "./redis/find-on-path.ts";

const run = promisify(execFile);

// Runs under the lock: whoever waited finds the work done, or a failure newer than its own start.
const installScript = `
command -v "$PROGRAM" >/dev/null && exit 0
if [ -e "$FAILED" ] && [ "$(cat "$FAILED")" -ge "$ASKED_AT" ]; then
  echo "another test worker could not install it either" >&2; exit 1
fi
# Exit code 101 forbids maintainer scripts to start services; the tests start their own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
if apt-get -o DPkg::Lock::Timeout=120 update &&
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$PACKAGE"
then rm -f "$FAILED"
else date +%s%3N > "$FAILED"; exit 1
fi
`;

/** Installs the Debian package that a program is in; says why not when it cannot. */
export async function installPackage(
  program: string,
  debianPackage: string,
): Promise<{ missing: string } | undefined> {
  if (process.getuid?.() !== 0) return { missing: "not on the PATH, and only root may install it" };
  for (const tool of ["apt-get", "flock"]) {
    if (!(await findOnPath(tool))) return { missing: `not on the PATH, and ${tool} is not there` };
  }
  const lock = join(tmpdir(), `endpoint-security-${debianPackage}-install.lock`);
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: "noninteractive",
    PROGRAM: program,
    PACKAGE: debianPackage,
    FAILED: `${lock}.failed`,
    ASKED_AT: String(Date.now()),
  };
  try {
    // The kernel drops a flock with its holder, so a killed worker leaves no stale lock.
    await run("flock", ["--close", "--timeout", "300", lock, "sh", "-c", installScript], {
      env,
      timeout: 400_000,
    });
    return undefined;
  } catch (error) {
    return { missing: `not on the PATH, and apt-get failed: ${lastLine(error)}` };
  }
}

function lastLine(error: unknown): string {
  const text =
    error instanceof Error && "stderr" in error && error.stderr ? error.stderr : String(error);
  return String(text).trim().split("\n").at(-1) ?? "";
}
