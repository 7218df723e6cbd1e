import axios, { type AxiosAdapter, AxiosHeaders, type AxiosInstance } from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { item } from "./item.ts";
import { atMost, microseconds, type Result } from "./result.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

const server = await startServer();
const security = new EndpointSecurity();
const endpoint = {
  url: `${server.origin}/v1`,
  grantType: "client_credentials",
  tokenUrl: `${server.origin}/token`,
  clientId: "checkout",
  clientSecret: "checkout-secret",
} as const;
const header = await security.getAuthHeader(endpoint);

let sent: unknown;
// No network: beside it, nothing of what is measured here could be seen.
const answers: AxiosAdapter = async (config) => {
  sent = config.headers.get("Authorization");
  return { data: "", status: 200, statusText: "OK", headers: new AxiosHeaders(), config };
};

const create = () => axios.create({ adapter: answers, baseURL: endpoint.url });
const bare = create();
const intercepted = create();
intercepted.interceptors.request.use((config) => {
  config.headers.set("Authorization", header);
  return config;
});
const wrapped = create();
wrapAxios(wrapped, security, endpoint);

/** A function of its own for each instance. */
const contender = (name: string, instance: AxiosInstance): Contender => ({
  name,
  async run(requests) {
    for (let request = 0; request < requests; request++) await instance.get("/orders");
  },
});

await item(async (progress): Promise<readonly Result[]> => {
  const taken = await sideBySide(
    [
      contender("bare", bare),
      contender("interceptor", intercepted),
      contender("wrapAxios", wrapped),
    ],
    { rounds: 1_500, times: 100, progress },
  );
  await wrapped.get("/orders");
  if (sent !== header) throw new Error("sent without credentials");
  const adds = (name: string) => taken.difference(name, "bare");
  return [
    atMost(
      "wrapAxios: more a request, one at a time",
      adds("wrapAxios") / 1_000,
      8,
      microseconds,
      `to ${microseconds(taken.median("bare") / 1_000)} of axios; an interceptor that sets a fixed header ${microseconds(adds("interceptor") / 1_000)}; adapter without network`,
    ),
  ];
});
