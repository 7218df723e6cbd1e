import type { Authenticator, HeaderOptions, Headers } from "./authenticator.ts";
import { namesAnotherScheme } from "./other-scheme.ts";

/** What a backend refused, and how. */
export interface Refusal {
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
  /** Told of a 401 that credentials were sent with. */
  refused(refusal: Refusal): void;
  /** Told of any other answer. */
  accepted(): void;
}

/** What every wrapper does: authorise, send, perhaps once more. */
export async function sendAuthorised<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
): Promise<Answer> {
  const ready = authenticator.headers(sending.options);
  return sendWithCredentials(
    authenticator,
    sending,
    ready instanceof Promise ? await ready : ready,
  );
}

/** The same, for a wrapper that has the credentials already. */
export async function sendWithCredentials<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  credentials: Headers,
): Promise<Answer> {
  const answer = await sendWith(authenticator, sending, credentials);
  if (sending.status(answer) === 401) {
    return sendOnceMore(authenticator, sending, answer, credentials);
  }
  await learn(authenticator, sending, answer, credentials);
  return answer;
}

/** What follows when the backend refused the credentials. */
export async function sendOnceMore<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  answer: Answer,
  credentials: Headers,
): Promise<Answer> {
  const { options, header, again, refused } = sending;
  const challenge = header(answer, "www-authenticate");
  // Another token of the same kind would be refused, too.
  const isInVain = namesAnotherScheme(credentials, challenge);
  // The authenticator learns from every other refusal, also of a request that can't be sent again.
  const worthIt =
    !isInVain && (await authenticator.challenged({ status: 401, challenge }, credentials, options));
  const replays = worthIt && (await again(answer));
  // A request that went without, to be asked for them, was not refused.
  if (!replays || hasCredentials(credentials)) {
    refused({ sent: credentials, challenge, replayed: replays });
  }
  if (!replays) return answer;
  const renewed = await authenticator.headers(options);
  const second = await sendWith(authenticator, sending, renewed);
  await learn(authenticator, sending, second, renewed);
  if (sending.status(second) === 401 && !hasCredentials(credentials)) {
    const asked = header(second, "www-authenticate");
    refused({ sent: renewed, challenge: asked, replayed: false });
  }
  return second;
}

async function sendWith<Answer>(
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
  if (status(answer) !== 401) accepted();
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
