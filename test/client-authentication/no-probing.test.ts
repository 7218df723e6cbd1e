import { EndpointSecurity } from "endpoint-security";
import { expect, test } from "vitest";
import { respond } from "../servers/http-server.ts";
import { checkout, startTokenEndpoint } from "../tokens/token-endpoint.ts";

// Whoever guesses at the method fails a login with each guess, and accounts get locked for that.
test.each(["client_secret_basic", "client_secret_post"] as const)(
  "a client refused by %s isn't tried by another method: one failed login, and none for the next call",
  async (tokenEndpointAuthMethod) => {
    const server = await startTokenEndpoint((res) =>
      respond(res, 401, { error: "invalid_client" }, { "www-authenticate": "Basic, Bearer" }),
    );
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, { tokenEndpointAuthMethod });
    for (let call = 0; call < 5; call++) {
      await expect(security.getToken(endpoint)).rejects.toMatchObject({ error: "invalid_client" });
    }
    const [request, ...more] = server.requests;
    expect(more).toEqual([]);
    const isInHeader = request?.headers.authorization !== undefined;
    expect([isInHeader, request?.form.has("client_secret")]).toEqual(
      tokenEndpointAuthMethod === "client_secret_basic" ? [true, false] : [false, true],
    );
  },
);
