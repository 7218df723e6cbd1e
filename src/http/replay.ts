import type {
  Authenticator,
  Challenged,
  HeaderOptions,
  Headers,
  RequestLine,
} from "./authenticator.ts";

/** One request, as a wrapped client can send it. */
export interface Sending<Answer> {
  readonly request: RequestLine;
  readonly signal: AbortSignal | undefined;
  send(credentials: Headers): Promise<Answer>;
  read(answer: Answer): Challenged;
  /** Makes ready to send once more; false where the body is gone. */
  again(answer: Answer): boolean | Promise<boolean>;
  /** Told of a 401 that credentials were sent with. */
  refused(replayed: boolean): void;
}

/** The loop that every wrapper shares: authorise, send, perhaps once more. */
export async function sendAuthorised<Answer>(
  authenticator: Authenticator,
  { request, signal, send, read, again, refused }: Sending<Answer>,
): Promise<Answer> {
  const options: HeaderOptions = { request, signal };
  const ready = authenticator.headers(options);
  const credentials = ready instanceof Promise ? await ready : ready;
  const answer = await send(credentials);
  const response = read(answer);
  if (response.status !== 401) return answer;
  // The authenticator learns from every refusal, also of a request that can't be sent again.
  const worthIt = await authenticator.challenged(response, credentials, options);
  const replays = worthIt && (await again(answer));
  refused(replays);
  return replays ? send(await authenticator.headers(options)) : answer;
}
