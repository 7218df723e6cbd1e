import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { EndpointSecurity } from "endpoint-security";
import { ProxyAgent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { listen, respond } from "../servers/http-server.ts";
import { checkout, startTokenEndpoint } from "../tokens/token-endpoint.ts";

/** A proxy that tunnels to wherever it is asked, and remembers where that was. */
async function startProxy() {
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on("connect", ({ url = "" }, socket, head) => {
    tunnels.push(url);
    const { hostname, port } = new URL(`http://${url}`);
    const target = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    for (const end of [socket, target]) end.on("error", () => target.destroy());
    socket.on("close", () => target.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    return new Promise<void>((resolve) => proxy.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, tunnels };
}

test("token requests go through a proxy by the fetch that is given, and API calls through theirs", async () => {
  const server = await startTokenEndpoint();
  const backend = await listen((req, res) => respond(res, 200, req.headers.authorization));
  onTestFinished(backend.close);
  const proxy = await startProxy();
  const agent = new ProxyAgent(proxy.url);
  onTestFinished(() => agent.destroy());
  const proxied: typeof fetch = (input, init) =>
    fetch(input, { ...init, dispatcher: agent } as never);

  const security = new EndpointSecurity({ fetch: proxied });
  const endpoint = checkout(server.tokenUrl, { url: backend.origin });
  const direct = await security.wrapFetch(endpoint)("/orders");
  expect(await direct.text()).toBe("Bearer token-1");
  const hostOf = (url: string) => new URL(url).host;
  expect(proxy.tunnels).toEqual([hostOf(server.tokenUrl)]);
  await (await security.wrapFetch(endpoint, { fetch: proxied })("/orders")).text();
  expect(proxy.tunnels).toEqual([hostOf(server.tokenUrl), hostOf(backend.origin)]);
});
