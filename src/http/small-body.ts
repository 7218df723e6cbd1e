// Held in memory until the response arrives. Enough for an upload; a larger body is sent once.
const largest = 16 * 1024 * 1024;

/**
 * A body as bytes, or undefined where it is large or fails. Read beside the sending, which waits
 * for none of it.
 */
export async function readSmallBody(
  request: Request,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      // Leaving the loop drops the copy; the original continues.
      if (size > largest) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks) as Uint8Array<ArrayBuffer>;
  } catch {
    // The original reports its own failure; nothing is sent twice.
    return undefined;
  }
}
