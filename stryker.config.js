/** How well the tests notice that the code is wrong; see docs/mutation.md. */
export default {
  mutate: ["src/{authenticators,cache,checks,configuration,credentials,endpoint,tokens}/**/*.ts"],
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  coverageAnalysis: "perTest",
  // Some tests request a token before the first one begins. Otherwise all that code would count as static
  // and be run with every test; only constants of modules are left out.
  ignoreStatic: true,
  concurrency: 1,
  reporters: ["clear-text", "html", "json"],
  clearTextReporter: { allowColor: false, reportTests: false },
  htmlReporter: { fileName: "reports/mutation/mutation.html" },
  jsonReporter: { fileName: "reports/mutation/mutation.json" },
  thresholds: { high: 95, low: 90, break: 90 },
};
