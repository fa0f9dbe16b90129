// All seeded mistakes, by what they break.

import { GUARDING } from "./list-guarding.ts";
import { RECEIVING } from "./list-receiving.ts";
import { SERVING } from "./list-serving.ts";
import { SWEEPING } from "./list-sweeping.ts";
import { WRITING } from "./list-writing.ts";
import type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [...RECEIVING, ...WRITING, ...SWEEPING, ...GUARDING, ...SERVING];
