import type { Fetch } from "endpoint-security";

type Answer = Response | "no network" | "silence";

/** An issuer without a network, and its token endpoint: what it answers where, and what was asked. */
export function fakeIssuer(answers: Record<string, (count: number) => Answer | object> = {}) {
  const asked: string[] = [];
  const sent: { readonly url: string; readonly init: RequestInit | undefined }[] = [];
  const places: typeof answers = {
    "https://idp.test/.well-known/openid-configuration": () => metadata,
    "https://idp.test/token": token,
    ...answers,
  };
  const fetch: Fetch = async (input, init) => {
    const url = String(input);
    asked.push(url);
    sent.push({ url, init });
    const count = asked.filter((one) => one === url).length;
    const answer = places[url]?.(count) ?? new Response("not here", { status: 404 });
    if (answer === "no network") throw new TypeError("fetch failed");
    if (answer === "silence") return new Promise<never>(() => {});
    return answer instanceof Response ? answer : Response.json(answer);
  };
  return {
    fetch,
    asked,
    sent,
    places,
    /** How often a path was asked for. */
    count: (path: string) => asked.filter((url) => url.endsWith(path)).length,
  };
}

export const metadata = { issuer: "https://idp.test", token_endpoint: "https://idp.test/token" };

export function token(count: number): object {
  return { access_token: `token-${count}`, token_type: "Bearer", expires_in: 3600 };
}

export const discovered = {
  grantType: "client_credentials",
  issuer: "https://idp.test",
  clientId: "checkout",
  clientSecret: "checkout-secret",
} as const;
