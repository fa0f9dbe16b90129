// The name of one request, in its answer and in the log: the asker's own where it is well formed.

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

export function requestIdOf(given: string | null | undefined, newId: () => string): string {
  return typeof given === "string" && REQUEST_ID.test(given) ? given : newId();
}
