export interface TestClient {
  clientId: string;
  clientSecret?: string;
  authMethod:
    | "client_secret_basic"
    | "client_secret_post"
    | "client_secret_jwt"
    | "private_key_jwt"
    | "tls_client_auth"
    | "self_signed_tls_client_auth"
    | "none";
  /** The name in the certificate of a `tls_client_auth` client; oidc-provider only. */
  certificateSubject?: string;
  /** Its tokens are bound to its certificate; oidc-provider with `mutualTls` only. */
  certificateBoundTokens?: boolean;
  /** Public keys of a client that signs, or has a self-signed certificate; oidc-provider only. */
  publicKeys?: readonly object[];
  grantTypes: readonly string[];
}

export interface TestUser {
  username: string;
  password: string;
}

export const SCOPES: readonly string[] = ["orders:read", "orders:write", "reports:read"];

const EVERY_GRANT = ["client_credentials", "password", "refresh_token"];

const DEFAULT_CLIENTS: readonly TestClient[] = [
  {
    clientId: "checkout",
    clientSecret: "checkout-secret",
    authMethod: "client_secret_basic",
    grantTypes: EVERY_GRANT,
  },
  {
    clientId: "sandbox-checkout",
    clientSecret: "sandbox-checkout-secret",
    authMethod: "client_secret_basic",
    grantTypes: EVERY_GRANT,
  },
  {
    clientId: "reports-post",
    clientSecret: "reports-post-secret",
    authMethod: "client_secret_post",
    grantTypes: ["client_credentials"],
  },
  { clientId: "public", authMethod: "none", grantTypes: ["password"] },
];

const DEFAULT_USERS: readonly TestUser[] = [{ username: "svc", password: "svc-password" }];

/** Who may ask for tokens: the defaults, plus (or replaced by, on equal names) the caller's. */
export class Registry {
  readonly #clients: Map<string, TestClient>;
  readonly #users: Map<string, TestUser>;

  constructor(clients: readonly TestClient[] = [], users: readonly TestUser[] = []) {
    this.#clients = new Map([...DEFAULT_CLIENTS, ...clients].map((c) => [c.clientId, c]));
    this.#users = new Map([...DEFAULT_USERS, ...users].map((u) => [u.username, u]));
  }

  client(clientId: string): TestClient | undefined {
    return this.#clients.get(clientId);
  }

  user(username: string): TestUser | undefined {
    return this.#users.get(username);
  }

  checkPassword(username: string, password: string): TestUser | undefined {
    const user = this.#users.get(username);
    return user?.password === password ? user : undefined;
  }

  setClientSecret(clientId: string, clientSecret: string): void {
    const client = this.#clients.get(clientId);
    if (client === undefined) throw new Error(`Unknown client: ${clientId}`);
    this.#clients.set(clientId, { ...client, clientSecret });
  }
}
