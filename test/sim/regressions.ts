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
    seed: 121,
    why: "two changes within one second, stamped alike: the look for the second event found the first change and was content",
  },
  {
    profile: "sweep-only",
    seed: 208,
    why: "offset paging: a record moved between two pages, another slipped past, and the pass was not repeated",
  },
  {
    profile: "sweep-only",
    seed: 51_747,
    why: "offset paging, a page per run: a change from just before the pass came up during it and was not taken for a move",
  },
];
