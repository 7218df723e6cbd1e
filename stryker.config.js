/** How well the tests notice that the code is wrong; see docs/mutation.md. */
export default {
  mutate: ["src/{authenticators,cache,endpoint,tokens}/**/*.ts"],
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  coverageAnalysis: "perTest",
  // Some tests ask for a token before the first of them begins. All that this runs through would count
  // as static, and be run with every test there is; so it is run with the tests that come through it,
  // and constants of modules alone are left out.
  ignoreStatic: true,
  concurrency: 1,
  reporters: ["clear-text", "html", "json"],
  clearTextReporter: { allowColor: false, reportTests: false },
  htmlReporter: { fileName: "reports/mutation/mutation.html" },
  jsonReporter: { fileName: "reports/mutation/mutation.json" },
  thresholds: { high: 95, low: 90, break: 90 },
};
