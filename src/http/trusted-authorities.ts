/** What Node trusts by itself. */
export async function trustedByNode(tls: typeof import("node:tls")): Promise<readonly string[]> {
  const getCACertificates: unknown = Reflect.get(tls, "getCACertificates");
  if (typeof getCACertificates === "function") return getCACertificates("default");
  // Node 20 can't list what was added to it.
  const { NODE_EXTRA_CA_CERTS: file = "" } = process.env;
  if (file === "") return tls.rootCertificates;
  const { readFile } = await import("node:fs/promises");
  // Where the file can't be read, Node goes on without it, too.
  return [...tls.rootCertificates, await readFile(file, "utf8").catch(() => "")];
}
