// Enough for any API call; what is larger is sent once.
const largest = 1024 * 1024;

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
      // Leaving the loop lets go of the copy; the original goes on.
      if (size > largest) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks) as Uint8Array<ArrayBuffer>;
  } catch {
    // Whoever sends the body is told of its failure; nothing is sent twice.
    return undefined;
  }
}
