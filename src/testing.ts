import {
  type FakeSecurity,
  type FakeSecurityOptions,
  fakeSecurity,
  type RecordedCall,
} from "./testing/fake-security.ts";
import {
  createTokenEndpoint,
  type RecordedTokenRequest,
  type ScriptedAnswer,
  type TestTokenEndpoint,
  type TokenEndpointOptions,
} from "./testing/token-endpoint.ts";

export type {
  FakeSecurity,
  FakeSecurityOptions,
  RecordedCall,
  RecordedTokenRequest,
  ScriptedAnswer,
  TestTokenEndpoint,
  TokenEndpointOptions,
};
export { createTokenEndpoint, fakeSecurity };
