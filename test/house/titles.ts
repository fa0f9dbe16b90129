// The titles of tests, read from their source.

import { codeOnly, withoutComments } from "./sources.ts";

/** `it` or `test`, not as a member of something else. */
const CALL = /(?<![\w.$])(?:it|test)(?=[.(])/g;

/** These take a table first: the title comes one call later. */
const TABLE = /\.\s*(?:each|for|skipIf|runIf)$/;

/**
 * Titles of every `it(…)` and `test(…)`, also behind `.each(table)` and in template literals.
 * A title that is not a literal shows as `undefined`.
 */
export function testTitles(text: string): readonly (string | undefined)[] {
  // Same positions in both: calls are looked for where no literal can pose as one, titles where they still stand.
  const code = codeOnly(text);
  const readable = withoutComments(text);
  return [...code.matchAll(CALL)].flatMap(({ 0: name, index }) => {
    const opening = titleCall(code, index + name.length);
    return opening === undefined ? [] : [literalAt(readable, opening + 1)];
  });
}

/** Skips `.name` and `.each(…)` up to the call that holds the title. @returns position of its parenthesis */
function titleCall(code: string, from: number): number | undefined {
  let at = from;
  for (;;) {
    const member = /^\s*\.\s*\w+/.exec(code.slice(at, at + 200))?.[0];
    at += member?.length ?? 0;
    const call = /^\s*\(/.exec(code.slice(at, at + 200))?.[0];
    if (member !== undefined && call !== undefined && TABLE.test(member)) {
      at = closingOf(code, at + call.length - 1) + 1;
    } else if (member === undefined || call !== undefined) {
      return call === undefined ? undefined : at + call.length - 1;
    }
  }
}

function literalAt(text: string, from: number): string | undefined {
  const match = /^\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|`((?:\\[\s\S]|[^`\\])*)`)/.exec(
    text.slice(from),
  );
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

/** @param opening position of a parenthesis. @returns position of the one that closes it */
function closingOf(code: string, opening: number): number {
  let depth = 0;
  for (let at = opening; at < code.length; at++) {
    if (code[at] === "(") depth++;
    else if (code[at] === ")" && --depth === 0) return at;
  }
  return code.length;
}
