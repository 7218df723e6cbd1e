import axios, { type AxiosResponse, type InternalAxiosRequestConfig } from "axios";

/** An axios response, and the error that axios made of it where the status isn't a good one. */
export interface Answer {
  readonly response: AxiosResponse;
  readonly error?: unknown;
}

/**
 * The result of an adapter. Responses and errors hold the caller's config, not the one that was sent:
 * who logs them must not print the credentials.
 */
export async function answerTo(
  config: InternalAxiosRequestConfig,
  sent: Promise<AxiosResponse>,
): Promise<Answer> {
  try {
    const response = await sent;
    response.config = config;
    return { response };
  } catch (error) {
    if (!axios.isAxiosError(error)) throw error;
    error.config = config;
    if (error.response === undefined) throw error;
    error.response.config = config;
    return { response: error.response, error };
  }
}

/** As axios ends a request. */
export function answerOf({ response, error }: Answer): AxiosResponse {
  if (error !== undefined) throw error;
  return response;
}
