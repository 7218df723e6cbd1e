interface Credentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A token cache the way people write it: asks when the token is over, and everybody who comes then. */
export class NaiveCache {
  readonly #credentials: Credentials;
  #header = "";
  #expiresAt = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  async getAuthHeader(): Promise<string> {
    if (Date.now() < this.#expiresAt) return this.#header;
    const { tokenUrl, clientId, clientSecret } = this.#credentials;
    const response = await fetch(tokenUrl, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: clientId,
        client_secret: clientSecret,
      }),
    });
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
    const body = (await response.json()) as { access_token: string; expires_in: number };
    this.#header = `Bearer ${body.access_token}`;
    this.#expiresAt = Date.now() + body.expires_in * 1_000;
    return this.#header;
  }
}
