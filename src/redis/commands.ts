/**
 * What is asked of a client of node-redis 5: of one server, of a cluster or by way of sentinels. Those
 * of the packages `redis` and `@redis/client` have it.
 */
export interface RedisCommands {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options?: SetOptions): Promise<unknown>;
  unlink(key: string): Promise<unknown>;
  pExpire(key: string, ms: number): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  time(): Promise<unknown>;
}

interface SetOptions {
  condition?: "NX";
  expiration?: { type: "PX"; value: number };
}
