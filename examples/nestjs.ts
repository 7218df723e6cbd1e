/** A NestJS 11 module that gives a service its wrapped fetch, and closes what it opened. */
import "reflect-metadata";
import assert from "node:assert/strict";
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  Param,
} from "@nestjs/common";
import { APP_FILTER, NestFactory } from "@nestjs/core";
import {
  type AnyEndpointSecurityError,
  type EndpointConfig,
  EndpointSecurity,
  EndpointSecurityError,
  type Fetch,
} from "endpoint-security";
import type { Response } from "express";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  name: "orders",
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

/** One for the whole service. Nest closes it last, when no request is under way any more. */
@Injectable()
class BackendSecurity extends EndpointSecurity implements OnApplicationShutdown {
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

const OrdersFetch = Symbol("OrdersFetch");

@Module({
  providers: [
    BackendSecurity,
    {
      provide: OrdersFetch,
      useFactory: (security: BackendSecurity) => security.wrapFetch(orders),
      inject: [BackendSecurity],
    },
  ],
  exports: [BackendSecurity, OrdersFetch],
})
class BackendsModule {}

@Controller("checkout")
class CheckoutController {
  readonly #ordersFetch: Fetch;

  constructor(@Inject(OrdersFetch) ordersFetch: Fetch) {
    this.#ordersFetch = ordersFetch;
  }

  @Get(":id")
  async checkout(@Param("id") id: string): Promise<{ status: number; order: Seen }> {
    const answer = await this.#ordersFetch(`/orders/${encodeURIComponent(id)}`);
    return { status: answer.status, order: (await answer.json()) as Seen };
  }
}

/** No token to be had is this service's trouble, and not its caller's. */
@Catch(EndpointSecurityError)
class NoTokenFilter implements ExceptionFilter {
  catch({ code, retryable }: AnyEndpointSecurityError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    if (retryable) response.set("retry-after", "5");
    response.status(retryable ? 503 : 500).json({ code });
  }
}

@Module({
  imports: [BackendsModule],
  controllers: [CheckoutController],
  providers: [{ provide: APP_FILTER, useClass: NoTokenFilter }],
})
class CheckoutModule {}

const app = await NestFactory.create(CheckoutModule, { logger: ["error", "warn"] });
app.enableShutdownHooks();
await app.listen(0, "127.0.0.1");
const get = async (path: string) => fetch(`${await app.getUrl()}${path}`);

const first = await get("/checkout/42");
const second = await get("/checkout/43");

// So it went:
const { status, order } = (await first.json()) as { status: number; order: Seen };
assert.equal(status, 200);
assert.equal(order.path, "/v1/orders/42");
assert.equal(order.claims.client_id, "checkout");
assert.equal(second.status, 200);
assert.equal(servers.idp.countTokenRequests(), 1);

const security = app.get(BackendSecurity);
servers.idp.setClientSecret("checkout", "rotated-and-nobody-told-us");
await security.invalidate(orders);
const third = await get("/checkout/44");
assert.equal(third.status, 500);
assert.deepEqual(await third.json(), { code: "token_request_rejected" });

// When the service stops, by a signal or so:
await app.close();
await assert.rejects(security.getAuthHeader(orders), { code: "closed" });
console.log(
  "NestJS: two requests with one token; a wrong secret became a 500; closed with the app.",
);
