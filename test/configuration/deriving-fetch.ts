import { createHash } from "node:crypto";
import type { Fetch } from "endpoint-security";

/** A token endpoint without a network, whose token tells everything that was asked. */
export interface DerivingEndpoint {
  readonly fetch: Fetch;
  /** Each request as one string: address, headers, body. */
  readonly requests: readonly string[];
}

/** @param refuse answers every request with an error that is its own. */
export function derivingEndpoint({ refuse = false } = {}): DerivingEndpoint {
  const requests: string[] = [];
  const fetch: Fetch = async (input, init) => {
    const headers = [...new Headers(init?.headers)];
    const request = JSON.stringify([String(input), headers, String(init?.body)]);
    requests.push(request);
    if (refuse) {
      const body = { error: "invalid_target", error_description: `no. ${requests.length}` };
      return Response.json(body, { status: 400 });
    }
    const token = createHash("sha256").update(request).digest("hex");
    return Response.json({ access_token: token, token_type: "Bearer", expires_in: 3600 });
  };
  return { fetch, requests };
}
