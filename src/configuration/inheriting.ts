/** An object with these properties, and all others from its prototype, which may be frozen. */
export function inheriting<Whole extends object>(
  prototype: Partial<Whole>,
  own: Readonly<Partial<Record<keyof Whole & string, unknown>>>,
): Whole {
  return Object.create(prototype, Object.getOwnPropertyDescriptors(own));
}
