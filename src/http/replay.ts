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
  /** Told of an answer that refused credentials. */
  refused(status: number, replayed: boolean): void;
}

/** Whether a status means that the credentials were refused. Asked of every answer: good ones first. */
export function isRefusal({ refusals }: Authenticator, status: number): boolean {
  return refusals === undefined ? status === 401 : refusals.includes(status);
}

/** What every wrapper does: authorise, send, perhaps once more. */
export async function sendAuthorised<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
): Promise<Answer> {
  const ready = authenticator.headers(sending.options);
  const credentials = ready instanceof Promise ? await ready : ready;
  const answer = await sending.send(credentials);
  const status = sending.status(answer);
  return status >= 400 && isRefusal(authenticator, status)
    ? sendOnceMore(authenticator, sending, answer, credentials)
    : answer;
}

/** What follows when the backend refused the credentials. */
export async function sendOnceMore<Answer>(
  authenticator: Authenticator,
  { options, send, status, challenge, again, refused }: Sending<Answer>,
  first: Answer,
  sent: Headers,
): Promise<Answer> {
  const { mostReplays = 1 } = authenticator;
  const earlier: Headers[] = [];
  let answer = first;
  let credentials = sent;
  while (earlier.length < mostReplays && isRefusal(authenticator, status(answer))) {
    const response = { status: status(answer), challenge: challenge(answer), earlier };
    // The authenticator learns from every refusal, also of a request that can't be sent again.
    const worthIt = await authenticator.challenged(response, credentials, options);
    const replays = worthIt && (await again(answer));
    refused(response.status, replays);
    if (!replays) return answer;
    earlier.push(credentials);
    credentials = await authenticator.headers(options);
    answer = await send(credentials);
  }
  return answer;
}
