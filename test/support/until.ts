// Waiting across the runtime's contexts. A promise settled by a Durable Object resumes its waiter inside that
// object, where the waiter may not touch anything of its own: so each side looks for itself, turn by turn.

/** Yields turns of the runtime until the condition holds. @throws when it never does */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 3_000; turns++) {
    if (condition()) return;
    await scheduler.wait(1);
  }
  throw new Error("the condition never came to hold");
}
