import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { makeCertificates } from "../servers/redis/certificates.ts";

/** A token endpoint whose certificate nobody here trusts. Closed when the test is over. */
export async function startUntrustedTokenEndpoint(): Promise<{
  tokenUrl: string;
  readonly requests: number;
}> {
  const certificates = await makeCertificates();
  onTestFinished(() => certificates.remove());
  let requests = 0;
  const server = createServer(certificates.server, (_req, res) => {
    requests += 1;
    res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return {
    tokenUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    get requests() {
      return requests;
    },
  };
}
