import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EndpointSecurity } from "endpoint-security";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type TestCertificate,
} from "../servers/certificate-authority.ts";
import { respond } from "../servers/http-server.ts";
import { removeFolder, temporaryFolder } from "../servers/redis/temporary-folder.ts";
import { Latch } from "../tokens/latch.ts";
import { issue } from "../tokens/token-endpoint.ts";
import { orders, startService } from "./service.ts";
import { wrappers } from "./wrappers.ts";

let authority: CertificateAuthority;
let pairs: readonly TestCertificate[];
beforeAll(async () => {
  authority = await createCertificateAuthority();
  pairs = await Promise.all([1, 2, 3].map(() => authority.clientCertificate()));
});

/** A pair on disk, and a service that binds tokens to certificates and refuses them with any other. */
async function start({ beforeToken = async (_count: number) => {} } = {}) {
  vi.useFakeTimers({ toFake: ["performance"] });
  const folder = await temporaryFolder("rotation");
  onTestFinished(async () => {
    vi.useRealTimers();
    await removeFolder(folder);
  });
  const clientCertificate = {
    certificateFile: join(folder, "tls.crt"),
    privateKeyFile: join(folder, "tls.key"),
  };
  const rotate = async (to: number) => {
    const { certificate = "", privateKey = "" } = pairs[to] ?? {};
    await writeFile(clientCertificate.certificateFile, certificate);
    await writeFile(clientCertificate.privateKeyFile, privateKey);
  };
  await rotate(0);
  const boundTo = new Map<string, string | undefined>();
  let refused = 0;
  const service = await startService({
    authority,
    answer: async (res, { path, certificate, authorization = "" }) => {
      if (path === "/token") {
        const token = `token-${boundTo.size + 1}`;
        boundTo.set(`Bearer ${token}`, certificate);
        await beforeToken(boundTo.size);
        return issue(res, token);
      }
      if (boundTo.get(authorization) === certificate) return false;
      refused += 1;
      return respond(res, 401, {}, { "www-authenticate": 'Bearer error="invalid_token"' });
    },
  });
  const security = new EndpointSecurity();
  onTestFinished(() => security.close());
  const transport = { ca: authority.certificate, clientCertificate };
  return {
    service,
    security,
    endpoint: orders(service, { transport }),
    rotate,
    get refused() {
      return refused;
    },
  };
}

function passASecond(): void {
  vi.advanceTimersByTime(1_100);
}

describe.each(wrappers)(
  "%s sends no token with another certificate than its own",
  (_name, wrap) => {
    test("when the files are replaced while the token is got", async () => {
      const [asked, over] = [new Latch(), new Latch()];
      const running = await start({
        beforeToken: async (count) => {
          if (count > 1) return;
          asked.open();
          await over.opened;
        },
      });
      const call = wrap(running.security, running.endpoint)("/1");
      await asked.opened;
      await running.rotate(1);
      passASecond();
      over.open();
      expect((await call).status).toBe(200);
      expect(running.refused).toBe(0);
    });

    test("when a token is got within the second in which nobody looks", async () => {
      const running = await start();
      const get = wrap(running.security, running.endpoint);
      await get("/1");
      await running.rotate(1);
      await running.security.invalidate(running.endpoint);
      expect((await get("/2")).status).toBe(200);
      expect(running.refused).toBe(0);
    });

    test("when another wrapper of the endpoint has looked already", async () => {
      const running = await start();
      const [one, other] = [1, 2].map(() => wrap(running.security, running.endpoint));
      await one?.("/1");
      passASecond();
      await other?.("/2");
      await running.rotate(1);
      await one?.("/3");
      expect((await other?.("/4"))?.status).toBe(200);
      expect(running.refused).toBe(0);
    });
  },
);
