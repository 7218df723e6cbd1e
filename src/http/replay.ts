import type { NotReplayedReason } from "../errors.ts";
import type { Authenticator, CredentialHeaders, HeaderOptions } from "./authenticator.ts";
import { blamesToken, namesAnotherScheme } from "./other-scheme.ts";

/** A rejection by the backend. */
export interface Rejection {
  readonly status: number;
  readonly sent: CredentialHeaders;
  /** The `WWW-Authenticate` header. */
  readonly challenge: string | null;
  /** Whether the request was replayed. */
  readonly replayed: boolean;
  /** Why not; undefined where it was. */
  readonly reason: NotReplayedReason | undefined;
}

/** One request of a wrapped client, and how to send it. */
export interface Sending<Answer> {
  readonly options: HeaderOptions;
  send(credentials: CredentialHeaders): Promise<Answer>;
  status(answer: Answer): number;
  /** One of the answer's headers; several of one name are joined by commas. */
  header(answer: Answer, name: string): string | null;
  /** Prepares a replay; false if the body can't be sent again. */
  again(answer: Answer): boolean | Promise<boolean>;
  /** Called for a response that rejected the credentials. */
  rejected(rejection: Rejection): void;
  /** Called for any other response. */
  accepted(sent: CredentialHeaders): void;
  /** Whether the backend accepted these credentials before. */
  hasAccepted(sent: CredentialHeaders): boolean;
}

/** Whether a status means that the credentials were rejected. */
export function isRejection({ rejectionStatuses }: Authenticator, status: number): boolean {
  return rejectionStatuses === undefined ? status === 401 : rejectionStatuses.includes(status);
}

/** What every wrapper does: authorise, send, replay if that helps. */
export function sendAuthorised<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
): Promise<Answer> {
  const ready = authenticator.headers(sending.options);
  // Not async: that would cost each request another promise.
  return ready instanceof Promise
    ? ready.then((credentials) => sendWithCredentials(authenticator, sending, credentials))
    : sendWithCredentials(authenticator, sending, ready);
}

/** The same, for a wrapper that has the credentials already. */
export async function sendWithCredentials<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  credentials: CredentialHeaders,
): Promise<Answer> {
  const answer = await sendWith(authenticator, sending, credentials);
  const status = sending.status(answer);
  if (status >= 400 && isRejection(authenticator, status)) {
    return replay(authenticator, sending, answer, credentials);
  }
  if (authenticator.answered === undefined) sending.accepted(credentials);
  else await learn(authenticator, sending, answer, credentials);
  return answer;
}

/** After the backend rejected the credentials: replays the request if that may help. */
export async function replay<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  first: Answer,
  sent: CredentialHeaders,
): Promise<Answer> {
  const { options, status, header, again, rejected, hasAccepted } = sending;
  const { mostReplays = 1 } = authenticator;
  const isRejected = (answer: Answer) => isRejection(authenticator, status(answer));
  const challengeOf = (answer: Answer) => header(answer, "www-authenticate");
  const earlier: CredentialHeaders[] = [];
  let answer = first;
  let credentials = sent;
  while (earlier.length < mostReplays && isRejected(answer)) {
    const rejection = answer;
    const response = {
      status: status(rejection),
      challenge: challengeOf(rejection),
      earlier,
      header: (name: string) => header(rejection, name),
    };
    // Another token of the same kind would be rejected, too, unless the token itself is at fault.
    const isInVain =
      namesAnotherScheme(credentials, response.challenge) &&
      !blamesToken(response.challenge) &&
      !hasAccepted(credentials);
    // The authenticator learns from every other rejection, also of a request that can't be replayed.
    const verdict = isInVain
      ? "other_scheme"
      : await authenticator.challenged(response, credentials, options);
    const replayed = verdict === true && (await again(answer));
    const reason = verdict === true ? "body_not_replayable" : verdict;
    // A request that was sent without credentials, to get the challenge, was not rejected.
    if (!replayed || hasCredentials(credentials)) {
      const { status, challenge } = response;
      rejected({
        status,
        challenge,
        sent: credentials,
        replayed,
        reason: replayed ? undefined : reason,
      });
    }
    if (!replayed) return answer;
    earlier.push(credentials);
    credentials = await authenticator.headers(options);
    answer = await resend(authenticator, sending, credentials);
    await learn(authenticator, sending, answer, credentials);
  }
  if (isRejected(answer)) {
    rejected({
      status: status(answer),
      challenge: challengeOf(answer),
      sent: credentials,
      replayed: false,
      reason: "rejected_again",
    });
  }
  return answer;
}

/** Replays a request, and tries again if the reused connection was closed meanwhile. */
async function resend<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  credentials: CredentialHeaders,
): Promise<Answer> {
  try {
    return await sendWith(authenticator, sending, credentials);
  } catch (error) {
    if (authenticator.resendsAfterChallenge !== true || !isConnectionEnd(error)) throw error;
    return sendWith(authenticator, sending, await authenticator.headers(sending.options));
  }
}

/** Whether a connection ended before a response began. */
function isConnectionEnd(error: unknown): boolean {
  for (let cause = error; typeof cause === "object" && cause !== null; ) {
    const code: unknown = Reflect.get(cause, "code");
    if (code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET") return true;
    cause = Reflect.get(cause, "cause");
  }
  return false;
}

function sendWith<Answer>(
  authenticator: Authenticator,
  sending: Sending<Answer>,
  credentials: CredentialHeaders,
): Promise<Answer> {
  return authenticator.answered === undefined
    ? sending.send(credentials)
    : sendAndTell(authenticator, sending, credentials);
}

/** An authenticator that learns from responses is notified if there is none. */
async function sendAndTell<Answer>(
  authenticator: Authenticator,
  { send }: Sending<Answer>,
  credentials: CredentialHeaders,
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
  credentials: CredentialHeaders,
): Promise<void> {
  if (!isRejection(authenticator, status(answer))) accepted(credentials);
  if (authenticator.answered === undefined) return;
  const answered = {
    status: status(answer),
    header: (name: string) => header(answer, name),
  };
  await authenticator.answered(answered, credentials);
}

function hasCredentials(sent: CredentialHeaders): boolean {
  return Object.keys(sent).length > 0;
}
