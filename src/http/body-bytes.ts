import { kindOf } from "./replayable-body.ts";

/** The bytes of a body; undefined if it can be read only once, or differs each time. */
export async function bodyBytes(body: unknown): Promise<Uint8Array | undefined> {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === "string") return Buffer.from(body);
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  switch (kindOf(body)) {
    case "URLSearchParams":
      return Buffer.from(String(body));
    case "ArrayBuffer":
      return new Uint8Array(body as ArrayBuffer);
    case "Blob":
    case "File":
      return new Uint8Array(await (body as Blob).arrayBuffer());
    default:
      return undefined;
  }
}
