import type { Fetch } from "endpoint-security";

/** A token endpoint without a network that takes everything, and keeps what it was sent. */
export function takingEndpoint(answer: (count: number) => Response = token) {
  const requests: URLSearchParams[] = [];
  const fetch: Fetch = async (_input, init) => {
    requests.push(new URLSearchParams(String(init?.body)));
    return answer(requests.length);
  };
  return {
    fetch,
    requests,
    get assertions(): string[] {
      return requests.map((request) => request.get("client_assertion") ?? "");
    },
  };
}

export function token(count: number): Response {
  const body = { access_token: `token-${count}`, token_type: "Bearer", expires_in: 3600 };
  return Response.json(body);
}

/** What every client has that signs with a key. */
export const signing = {
  grantType: "client_credentials",
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
  tokenEndpointAuthMethod: "private_key_jwt",
} as const;
