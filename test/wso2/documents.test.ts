import { DocumentError, fromApiDefinition, fromDeploymentToml } from "endpoint-security/wso2";
import { describe, expect, it } from "vitest";
import { anySecret, apiYaml, sample } from "./samples.ts";

function errorOf(work: () => unknown): DocumentError {
  try {
    work();
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
  throw new Error("it was read");
}

const secret = "hunter2-in-the-file";
const bomb = [
  "a0: &a0 [x, x, x, x, x, x, x, x, x]",
  ...Array.from({ length: 9 }, (_, at) => {
    const items = Array.from({ length: 9 }, () => `*a${at}`).join(", ");
    return `a${at + 1}: &a${at + 1} [${items}]`;
  }),
].join("\n");

describe("A text that can't be read", () => {
  it.each([
    ["has a tab for indentation", `data:\n\tclientSecret: ${secret}\n`, 2],
    ["ends within quotes", `data:\n  clientSecret: "${secret}\n`, 3],
    ["is indented wrongly", `data:\n    a: ${secret}\n  b: c\n`, 3],
    ["has a key twice", `data: 1\nname: ${secret}\nname: b\n`, 3],
    ["holds two documents", `a: ${secret}\n---\nb: 1\n`, 2],
  ])("%s: the error says in which line, and nothing of the text", (_, text, line) => {
    const error = errorOf(() => fromApiDefinition(text));
    expect(error).toMatchObject({ code: "unreadable_document", line });
    expect(error.column).toBeGreaterThan(0);
    expect(`${error} ${error.stack} ${JSON.stringify(error)}`).not.toContain(secret);
  });

  it.each([
    ["an alias bomb", bomb, "it has more than 100 aliases"],
    ["50 MB", `a: ${"x".repeat(50_000_000)}`, "it is longer than 5000000 characters"],
    ["empty", "", "it is empty"],
    ["a list", "- a\n- b\n", "it must be an object, and is a list"],
    ["no object", "just text", "it must be an object, and is a string"],
  ])("because it is %s gives an error at once", (_, text, reason) => {
    expect(errorOf(() => fromApiDefinition(text)).message).toContain(reason);
  });

  it("as TOML says where, and nothing of the text", () => {
    const text = `[redis_config]\nhost = "a"\npassword = "${secret}\n`;
    const error = errorOf(() => fromDeploymentToml(text));
    expect(error.line).toBe(3);
    expect(`${error} ${error.stack} ${JSON.stringify(error)}`).not.toContain(secret);
  });

  it.each([[null], [42], [["a"]], [undefined]])(
    "because it is the value %j is rejected",
    (value) => {
      expect(errorOf(() => fromApiDefinition(value as never))).toBeInstanceOf(DocumentError);
      expect(errorOf(() => fromDeploymentToml(value as never))).toBeInstanceOf(DocumentError);
    },
  );
});

describe("A text", () => {
  it.each([
    ["with a byte order mark", (text: string) => `\uFEFF${text}`],
    ["with the line ends of Windows", (text: string) => text.replaceAll("\n", "\r\n")],
  ])("%s is read the same", (_, change) => {
    const secrets = anySecret;
    expect(fromApiDefinition(change(apiYaml), { secrets })).toEqual(
      fromApiDefinition(apiYaml, { secrets }),
    );
    const toml = sample("api-platform/config.toml");
    expect(fromDeploymentToml(change(toml))).toEqual(fromDeploymentToml(toml));
  });
});
