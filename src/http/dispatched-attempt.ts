import type { Dispatcher } from "undici";
import type { LastingController } from "./lasting-controller.ts";

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;
type ResponseHeaders = Parameters<NonNullable<Handler["onResponseStart"]>>[2];

/** A response that began. A rejection is held back until it is known whether the request is replayed. */
export interface Answer {
  readonly attempt: Attempt;
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** Enough for a rejection; a longer body is cut off, and its connection closed. */
const mostDiscardedBytes = 64 * 1024;

/** The request as it is sent once. */
export class Attempt implements Handler {
  readonly #handler: Handler;
  readonly #lasting: LastingController;
  readonly #isRejected: (status: number) => boolean;
  readonly #begun: (answer: Answer) => void;
  readonly #failed: (error: Error) => void;
  #own: Controller | undefined;
  /** What is held back of a rejection; some dispatchers don't pause when they should. */
  #held: (() => void)[] | undefined;
  #state: "waiting" | "delivered" | "discarded" = "waiting";
  #discardedBytes = 0;

  constructor(
    handler: Handler,
    lasting: LastingController,
    isRejected: (status: number) => boolean,
    begun: (answer: Answer) => void,
    failed: (error: Error) => void,
  ) {
    this.#handler = handler;
    this.#lasting = lasting;
    this.#isRejected = isRejected;
    this.#begun = begun;
    this.#failed = failed;
  }

  onRequestStart(controller: Controller): void {
    this.#own = controller;
    this.#lasting.target = controller;
  }

  onRequestUpgrade: NonNullable<Handler["onRequestUpgrade"]> = (_, status, headers, socket) => {
    this.#state = "delivered";
    this.#lasting.finished();
    this.#handler.onRequestUpgrade?.(this.#lasting, status, headers, socket);
    this.#begun({ attempt: this, status, headers });
  };

  onResponseStart(
    controller: Controller,
    status: number,
    headers: ResponseHeaders,
    text?: string,
  ): void {
    const pass = () => this.#handler.onResponseStart?.(this.#lasting, status, headers, text);
    // Early hints and the like come before the response.
    if (status < 200) {
      pass();
      return;
    }
    if (status >= 400 && this.#isRejected(status)) {
      controller.pause();
      this.#held = [pass];
    } else {
      this.#state = "delivered";
      pass();
    }
    this.#begun({ attempt: this, status, headers });
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#state === "discarded") {
      this.#discardedBytes += chunk.length;
      if (this.#discardedBytes > mostDiscardedBytes) controller.abort(new Error("not read"));
      return;
    }
    this.#pass(() => this.#handler.onResponseData?.(this.#lasting, chunk));
  }

  onResponseEnd: NonNullable<Handler["onResponseEnd"]> = (_, trailers) => {
    this.#pass(() => {
      this.#lasting.finished();
      this.#handler.onResponseEnd?.(this.#lasting, trailers);
    });
  };

  onResponseError(_: Controller, error: Error): void {
    if (this.#state === "waiting" && this.#held === undefined) this.#failed(error);
    else {
      this.#pass(() => {
        this.#lasting.finished();
        this.#handler.onResponseError?.(this.#lasting, error);
      });
    }
  }

  /** Passes on what was held back, and everything that follows. */
  deliver(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#state = "delivered";
    this.#held = undefined;
    for (const pass of held) pass();
    if (!this.#lasting.paused) this.#own?.resume();
  }

  /** Drops this response. It is still read to its end, so that its connection can be reused. */
  discard(): void {
    this.#state = "discarded";
    this.#held = undefined;
    this.#own?.resume();
  }

  #pass(pass: () => void): void {
    if (this.#held !== undefined) this.#held.push(pass);
    else if (this.#state === "delivered") pass();
  }
}
