/** The body is larger than anyone needs. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** Reads a body as UTF-8 text, and no more than `limitBytes` of it. */
export async function limitedText(response: Response, limitBytes: number): Promise<string> {
  if (response.body === null) return "";
  // A mock may have no body to read piece by piece.
  if (response.body === undefined) return (await response.text()).slice(0, limitBytes);
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > limitBytes) throw new BodyTooLargeError(`more than ${limitBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
