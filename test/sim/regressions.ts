// Histories that broke a promise once, by their seeds, and what it was. They are told with every test run. A change of
// how histories are drawn makes others of them: each mistake has a test of its own beside its code, too.

import type { Profile } from "./faults.ts";

export interface Regression {
  readonly profile: Profile;
  readonly seed: number;
  readonly why: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    profile: "hooks-only",
    seed: 30_099,
    why: "two changes within one second, stamped alike: the look for the second event found the first change and was content",
  },
  {
    profile: "sweep-only",
    seed: 40_132,
    why: "offset paging, a page per run: a record moved within the second in which the pass began, and nobody noticed",
  },
  {
    profile: "hooks-only",
    seed: 175,
    why: "two changes within 50 ms, which are one to the mirror until a sweep: the limit is now drawn around",
  },
];
