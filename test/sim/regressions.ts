// Histories that broke a promise once, by their seeds, and what it was. They are told with every test run.

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
];
