import { createCipheriv, createDecipheriv } from "node:crypto";

interface Parameters {
  readonly iv: Uint8Array;
  readonly additionalData: Uint8Array;
}

interface Key {
  readonly algorithm: { readonly name: string; readonly length: number };
  readonly usages: readonly string[];
  readonly bytes: Uint8Array;
}

const cipherName = "aes-256-gcm";
const tagLength = 16;

/**
 * Has Web Crypto's AES-GCM done on this thread. It comes to the same bytes; but waking another thread
 * for each of them takes far longer than they do, and a virtual clock couldn't wait for it.
 */
export function installSynchronousCrypto(): void {
  const { subtle } = crypto;
  Reflect.set(subtle, "importKey", importKey);
  Reflect.set(
    subtle,
    "encrypt",
    async ({ iv, additionalData }: Parameters, { bytes }: Key, plain: Uint8Array) => {
      const cipher = createCipheriv(cipherName, bytes, iv).setAAD(additionalData);
      const parts = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
      return Uint8Array.from(Buffer.concat(parts)).buffer;
    },
  );
  Reflect.set(
    subtle,
    "decrypt",
    async ({ iv, additionalData }: Parameters, { bytes }: Key, sealed: Uint8Array) => {
      const decipher = createDecipheriv(cipherName, bytes, iv).setAAD(additionalData);
      decipher.setAuthTag(sealed.subarray(-tagLength));
      const parts = [decipher.update(sealed.subarray(0, -tagLength)), decipher.final()];
      return Uint8Array.from(Buffer.concat(parts)).buffer;
    },
  );
}

async function importKey(
  format: string,
  bytes: Uint8Array,
  { name }: { readonly name: string },
  _extractable: boolean,
  usages: readonly string[],
): Promise<Key> {
  if (format !== "raw" || name !== "AES-GCM")
    throw new Error(`no key of the kind ${name} is known`);
  return { algorithm: { name, length: bytes.length * 8 }, usages, bytes };
}
