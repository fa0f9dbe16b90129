// A seeded mistake, as data: the exact text replaced, and how the simulation has to notice. Nothing of the tree is
// touched: a mutated file exists only in the memory of the thread that runs it.

import type { Profile } from "../sim/faults.ts";

export interface Edit {
  /** From the root. A store in memory may be among them: it is the twin of a statement that D1 runs. */
  readonly file: string;
  /** The exact text, there exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  /** One sentence, in the present: what the mistaken code does. */
  readonly mistake: string;
  readonly edits: readonly Edit[];
  /** In which it has to be seen: one layer may heal what another gets wrong. */
  readonly profile: Profile;
  /** Given up, and taken for alive, after so many histories. */
  readonly seeds: number;
  /** What is seen has to match: whoever dies of something else does not count. */
  readonly seen: RegExp;
  /** Two rules that cover each other are broken together; this says why either alone goes unseen. */
  readonly pair?: string;
}

/** @throws when an edit does not find its place exactly once: the code has moved on, and the mutant has to follow */
export function applyEdits(name: string, edits: readonly Edit[], textOf: (file: string) => string) {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const text = texts.get(file) ?? textOf(file);
    const places = text.split(from).length - 1;
    if (places !== 1) throw new Error(`${name}: found at ${places} places of ${file}, not at one:\n${from}`);
    if (from === to) throw new Error(`${name}: replaces nothing in ${file}`);
    texts.set(file, text.split(from).join(to));
  }
  return texts;
}
