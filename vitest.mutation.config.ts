import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import usual from "./vitest.config.ts";

/** What killed the last mutant goes first, since the next one is near it; then what is quick. */
class LikelyFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { cache, config } = this.ctx;
    const rank = ({ project, moduleId }: TestSpecification) => {
      const file = moduleId.slice(config.root.length + 1);
      const last = cache.getFileTestResults(`${project.name}:${file}`);
      return last === undefined || last.failed ? 0 : last.duration;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

/** The tests that Stryker runs for each mutant: those that need nothing but this process. */
export default defineConfig({
  resolve: { ...usual.resolve },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      // Of many processes, of servers that are installed, and of the built package.
      "test/fleet/**",
      "test/redis/**",
      "test/integration/**",
      "test/servers/**",
      "test/package/**",
      "test/cache/contract.test.ts",
      "test/digest/{apache,curl}.test.ts",
      // Of what is not mutated, at length.
      "test/{axios,undici}/**",
      "test/fetch/{destinations,redirects}.test.ts",
      "test/errors/{any-answer,hostile-answers,nothing-secret,unreachable}.test.ts",
      // Of files, which a mutant changes nothing about.
      "test/{architecture,docs,readme}.test.ts",
    ],
    // Loading everything anew for each file of tests would take longer than the tests.
    isolate: false,
    // A mutant may make a test wait for ever.
    testTimeout: 10_000,
    hookTimeout: 60_000,
    sequence: { shuffle: false, sequencer: LikelyFirst },
  },
});
