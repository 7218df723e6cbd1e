import { createClock, type TestClock } from "./testing/clock.ts";
import type { ContractCase } from "./testing/contracts/contract-case.ts";
import { type GrantContractOptions, grantContract } from "./testing/contracts/grant-contract.ts";
import { tokenCacheContract } from "./testing/contracts/token-cache-contract.ts";
import {
  type FakeSecurity,
  type FakeSecurityOptions,
  fakeSecurity,
  type RecordedCall,
} from "./testing/fake-security.ts";
import {
  type MockAgentLike,
  mockTokenEndpoint,
  type NockLike,
} from "./testing/mock-token-endpoint.ts";
import type {
  MockedConfig,
  MockedResponse,
  MockedTokenEndpoint,
} from "./testing/mocked-response.ts";
import { type MswHttp, tokenEndpointHandlers } from "./testing/msw-handlers.ts";
import type { RecordedTokenRequest } from "./testing/recorded-request.ts";
import {
  createTokenEndpoint,
  type ScriptedResponse,
  type TestTokenEndpoint,
  type TokenEndpointOptions,
} from "./testing/token-endpoint.ts";

export type {
  ContractCase,
  FakeSecurity,
  FakeSecurityOptions,
  GrantContractOptions,
  MockAgentLike,
  MockedConfig,
  MockedResponse,
  MockedTokenEndpoint,
  MswHttp,
  NockLike,
  RecordedCall,
  RecordedTokenRequest,
  ScriptedResponse,
  TestClock,
  TestTokenEndpoint,
  TokenEndpointOptions,
};
export {
  createClock,
  createTokenEndpoint,
  fakeSecurity,
  grantContract,
  mockTokenEndpoint,
  tokenCacheContract,
  tokenEndpointHandlers,
};
