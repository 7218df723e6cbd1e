import type { Authenticator, HeaderOptions, Headers } from "./authenticator.ts";
import { namesAnotherScheme } from "./other-scheme.ts";

/** What a backend refused, and how. */
export interface Refusal {
  readonly status: number;
  readonly sent: Headers;
  /** The `WWW-Authenticate` header. */
  readonly challenge: string | null;
  /** Whether the request was sent once more. */
  readonly replayed: boolean;
}

/** One request, as a wrapped client can send it. */
export interface Sending<Answer> {
  readonly options: HeaderOptions;
  send(credentials: Headers): Promise<Answer>;
  status(answer: Answer): number;
  /** One of the answer's headers; several of one name are joined by commas. */
  header(answer: Answer, name: string): string | null;
  /** Makes ready to send once more; false where the body is gone. */
  again(answer: Answer): boolean | Promise<boolean>;
  /** Told of an answer that refused credentials. */
  refused(refusal: Refusal): void;
  /** Told of any other answer. */
  accepted(): void;
}

/** Whether a status means that the credentials were refused. Asked of every answer: good ones first. */
export function isRefusal({ refusals }: Authenticator, status: number): boolean {
  return refusals === undefined ? status === 401 : refusals.includes(status);
}

/** What every wrapper does: authorise, send, perhaps once more. */
export function sendAuthorised<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
): Promise<Answer> {
  const ready = authenticator.headers(sending.options);
  // No async function: each costs every request a promise and some turns.
  return ready instanceof Promise
    ? ready.then((credentials) => sendWithCredentials(authenticator, sending, credentials))
    : sendWithCredentials(authenticator, sending, ready);
}

/** The same, for a wrapper that has the credentials already. */
export async function sendWithCredentials<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  credentials: Headers,
): Promise<Answer> {
  const answer = await sendWith(authenticator, sending, credentials);
  const status = sending.status(answer);
  if (status >= 400 && isRefusal(authenticator, status)) {
    return sendOnceMore(authenticator, sending, answer, credentials);
  }
  if (authenticator.answered === undefined) sending.accepted();
  else await learn(authenticator, sending, answer, credentials);
  return answer;
}

/** What follows when the backend refused the credentials. */
export async function sendOnceMore<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  first: Answer,
  sent: Headers,
): Promise<Answer> {
  const { options, status, header, again, refused } = sending;
  const { mostReplays = 1 } = authenticator;
  const isRefused = (answer: Answer) => isRefusal(authenticator, status(answer));
  const challengeOf = (answer: Answer) => header(answer, "www-authenticate");
  const earlier: Headers[] = [];
  let answer = first;
  let credentials = sent;
  while (earlier.length < mostReplays && isRefused(answer)) {
    const refusal = answer;
    const response = {
      status: status(refusal),
      challenge: challengeOf(refusal),
      earlier,
      header: (name: string) => header(refusal, name),
    };
    // Another token of the same kind would be refused, too.
    const isInVain = namesAnotherScheme(credentials, response.challenge);
    // The authenticator learns from every other refusal, also of a request that can't be sent again.
    const worthIt = !isInVain && (await authenticator.challenged(response, credentials, options));
    const replayed = worthIt && (await again(answer));
    // A request that went without, to be asked for them, was not refused.
    if (!replayed || hasCredentials(credentials)) {
      const { status, challenge } = response;
      refused({ status, challenge, sent: credentials, replayed });
    }
    if (!replayed) return answer;
    earlier.push(credentials);
    credentials = await authenticator.headers(options);
    answer = await sendWith(authenticator, sending, credentials);
    await learn(authenticator, sending, answer, credentials);
  }
  if (isRefused(answer) && !hasCredentials(sent)) {
    const challenge = challengeOf(answer);
    refused({ status: status(answer), challenge, sent: credentials, replayed: false });
  }
  return answer;
}

function sendWith<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  credentials: Headers,
): Promise<Answer> {
  return authenticator.answered === undefined
    ? sending.send(credentials)
    : sendAndTell(authenticator, sending, credentials);
}

/** An authenticator that learns from answers is told when there is none. */
async function sendAndTell<Answer>(
  authenticator: Authenticator,
  { send }: Sending<Answer>,
  credentials: Headers,
): Promise<Answer> {
  try {
    return await send(credentials);
  } catch (error) {
    await authenticator.answered?.(undefined, credentials);
    throw error;
  }
}

async function learn<Answer>(
  authenticator: Authenticator,
  { status, header, accepted }: Sending<Answer>,
  answer: Answer,
  credentials: Headers,
): Promise<void> {
  if (!isRefusal(authenticator, status(answer))) accepted();
  if (authenticator.answered === undefined) return;
  const answered = {
    status: status(answer),
    header: (name: string) => header(answer, name),
  };
  await authenticator.answered(answered, credentials);
}

function hasCredentials(sent: Headers): boolean {
  return Object.keys(sent).length > 0;
}
