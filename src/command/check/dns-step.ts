import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { errorCodeOf } from "../../checks/error-code.ts";
import { withDeadline } from "../../waiting/deadline.ts";
import { type Finding, failed, passed, skipped } from "./step.ts";
import { hostOf, type Target } from "./target.ts";

const timeoutMs = 5_000;

/** Whether the name of a server is known here; that of its proxy, where it has one. */
export async function checkDns({ field, url, proxy }: Target): Promise<Finding> {
  const host = hostOf(proxy === undefined ? url : new URL(proxy));
  const named = proxy === undefined ? field : "transport.proxy";
  if (isIP(host) !== 0) return skipped(`${host} is an address`);
  try {
    const found = await withDeadline(
      timeoutMs,
      () => lookup(host, { all: true }),
      () => new Error("no response from the name server"),
    );
    const others = found.length > 1 ? ` and ${found.length - 1} more` : "";
    return passed(`${host} is ${found[0]?.address}${others}`);
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === "ENOTFOUND") {
      return failed(
        `the host ${host} is not known`,
        `check ${named}, and whether this machine has to be in a VPN`,
      );
    }
    return failed(
      `the host ${host} can't be looked up (${code ?? `no response within ${timeoutMs} ms`})`,
      "check the name server of this machine",
    );
  }
}
