/** A fetch for token requests that answers 200 with this body, and counts. */
export function answeringFetch(body: (count: number) => object) {
  let count = 0;
  return {
    fetch: async () => {
      count += 1;
      return Response.json(body(count));
    },
    get count() {
      return count;
    },
  };
}

/** A JWT whose signature nobody checks. */
export function unsignedJwt(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "ES256", typ: "at+jwt" })}.${part(claims)}.c2ln`;
}
