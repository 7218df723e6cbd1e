import { createClock, type TestClock } from "./testing/clock.ts";
import {
  type FakeSecurity,
  type FakeSecurityOptions,
  fakeSecurity,
  type RecordedCall,
} from "./testing/fake-security.ts";
import type { RecordedTokenRequest } from "./testing/recorded-request.ts";
import {
  createTokenEndpoint,
  type ScriptedResponse,
  type TestTokenEndpoint,
  type TokenEndpointOptions,
} from "./testing/token-endpoint.ts";

export type {
  FakeSecurity,
  FakeSecurityOptions,
  RecordedCall,
  RecordedTokenRequest,
  ScriptedResponse,
  TestClock,
  TestTokenEndpoint,
  TokenEndpointOptions,
};
export { createClock, createTokenEndpoint, fakeSecurity };
