import type { Authenticator, HeaderOptions, Headers } from "./authenticator.ts";

/** One request, as a wrapped client can send it. */
export interface Sending<Answer> {
  readonly options: HeaderOptions;
  send(credentials: Headers): Promise<Answer>;
  status(answer: Answer): number;
  /** The answer's `WWW-Authenticate` header. */
  challenge(answer: Answer): string | null;
  /** Makes ready to send once more; false where the body is gone. */
  again(answer: Answer): boolean | Promise<boolean>;
  /** Told of a 401 that credentials were sent with. */
  refused(replayed: boolean): void;
}

/** What every wrapper does: authorise, send, perhaps once more. */
export async function sendAuthorised<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
): Promise<Answer> {
  const ready = authenticator.headers(sending.options);
  const credentials = ready instanceof Promise ? await ready : ready;
  const answer = await sending.send(credentials);
  return sending.status(answer) === 401
    ? sendOnceMore(authenticator, sending, answer, credentials)
    : answer;
}

/** What follows when the backend refused the credentials. */
export async function sendOnceMore<Answer>(
  authenticator: Authenticator,
  { options, send, challenge, again, refused }: Sending<Answer>,
  answer: Answer,
  credentials: Headers,
): Promise<Answer> {
  const response = { status: 401, challenge: challenge(answer) };
  // The authenticator learns from every refusal, also of a request that can't be sent again.
  const worthIt = await authenticator.challenged(response, credentials, options);
  const replays = worthIt && (await again(answer));
  refused(replays);
  return replays ? send(await authenticator.headers(options)) : answer;
}
