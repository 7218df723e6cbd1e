import type { BackendConfig } from "endpoint-security";

/** A configuration that the compiler knows nothing of, as from JSON: what is wrong with it is the test's matter. */
export function unchecked(config: unknown): BackendConfig {
  return config as BackendConfig;
}
