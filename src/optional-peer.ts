import { ConfigurationError } from "./errors.ts";

/** A package that only those install who need it. */
interface OptionalPeer<Module> {
  readonly name: string;
  /** The option or function that needs it. */
  readonly neededBy: string;
  /** What to install. */
  readonly install: string;
  /** What is used of it: a version that lacks one of these is another major. */
  readonly uses: readonly (keyof Module & string)[];
  load(): Promise<Module>;
}

/**
 * Loads an optional peer dependency.
 * @throws ConfigurationError where it is missing, can't be loaded, or is of another version
 */
export async function loadOptionalPeer<Module extends object>(
  peer: OptionalPeer<Module>,
): Promise<Module> {
  const { name, neededBy, install, uses } = peer;
  const refuse = (problem: string) =>
    ConfigurationError.of({ path: neededBy, problem, fix: `run \`npm install ${install}\`` });
  let loaded: Module;
  try {
    loaded = await peer.load();
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), "code");
    // The second is what webpack and Yarn's Plug'n'Play say.
    const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    const kind: unknown = Reflect.get(Object(error), "name");
    throw refuse(
      isMissing
        ? `needs ${name}, which is not installed, or lacks a package of its own`
        : `needs ${name}, which can't be loaded (${String(kind)})`,
    );
  }
  // Bundlers that wrap CommonJS, as for this library's own CommonJS build, have the module in its `default`:
  // beside copies of its names, whose own `default` is the module again.
  const inner: unknown = Reflect.get(loaded, "default");
  const has = (module: unknown) =>
    Object(module) === module && uses.every((used) => used in Object(module));
  if (has(inner)) return inner as Module;
  if (has(loaded)) return loaded;
  const found = await versionOf(name);
  throw refuse(`needs ${install}, and found ${found ?? "another version"}`);
}

/** The version that the project has, where that can be read. */
export async function versionOf(name: string): Promise<string | undefined> {
  try {
    const { createRequire } = await import("node:module");
    const require = createRequire(`${process.cwd()}/package.json`);
    const manifest: unknown = require(`${name}/package.json`);
    const version: unknown = Reflect.get(Object(manifest), "version");
    return typeof version === "string" ? `${name} ${version}` : undefined;
  } catch {
    return undefined;
  }
}
