// What an isolate makes when it is first asked for, so that its first answer waits for nothing it has no need of.

export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
