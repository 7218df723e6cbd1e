// Hooks of the module loader: tell of every module that is loaded.
import type { InitializeHook, LoadHook } from "node:module";
import type { MessagePort } from "node:worker_threads";

let port: MessagePort | undefined;

export const initialize: InitializeHook<MessagePort> = async (data) => {
  port = data;
};

export const load: LoadHook = async (url, context, nextLoad) => {
  port?.postMessage(url);
  return nextLoad(url, context);
};
