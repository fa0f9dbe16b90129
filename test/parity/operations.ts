// A history is a shape and a list of operations, both from one seed. An operation is a plain value: what it means
// depends on nothing but what came before, so the same list can be told to any mirror.

import type { JobMessage } from "../../src/sync/messages.ts";
import { type Chance, createChance } from "../sim/chance.ts";
import type { NetworkKind } from "../sim/network.ts";
import { type Fault, TROUBLES } from "./upstream.ts";
import type { Shape } from "./world.ts";

export type Operation =
  /** A record changes upstream; with an event to tell of it, or silently. */
  | {
      readonly op: "change";
      readonly kind: NetworkKind;
      readonly number: number;
      readonly lagMs: number;
      readonly event: boolean;
      readonly status?: string;
    }
  | { readonly op: "move"; readonly number: number; readonly to: number; readonly event: boolean }
  | { readonly op: "vanish"; readonly kind: NetworkKind; readonly number: number }
  /** A restore upstream: the record is as if last written long ago. */
  | { readonly op: "backdate"; readonly kind: NetworkKind; readonly number: number }
  | { readonly op: "remind"; readonly number: number }
  | { readonly op: "tell"; readonly type: string; readonly number: number }
  /** Deliveries of RCMS: some of what is waiting, in any order, some of it twice. */
  | {
      readonly op: "deliver";
      readonly most: number;
      readonly order: number;
      readonly twice: number;
      readonly forged?: true;
    }
  | { readonly op: "lose"; readonly most: number; readonly order: number }
  /** A batch of a queue; afterwards perhaps the very same batch again. */
  | {
      readonly op: "consume";
      readonly queue: "mirror-events" | "mirror-jobs";
      readonly most: number;
      readonly order: number;
      readonly again: boolean;
      /** Only messages of this job. */
      readonly job?: JobMessage["job"];
    }
  /** Everything that is due, batch after batch. */
  | { readonly op: "drain"; readonly order: number }
  /** The platform gives up on a message. */
  | { readonly op: "give up"; readonly order: number }
  | { readonly op: "tick"; readonly times: number; readonly cron: string }
  | { readonly op: "pass"; readonly seconds: number }
  | { readonly op: "fault"; readonly fault: Fault }
  | { readonly op: "heal" }
  | { readonly op: "kill webhook"; readonly how: "disabled" | "missing" }
  | { readonly op: "evict" }
  | { readonly op: "purge"; readonly number: number }
  | { readonly op: "fields"; readonly list: number }
  | { readonly op: "rebuild"; readonly kinds: readonly NetworkKind[] }
  | { readonly op: "cancel" }
  | { readonly op: "acknowledge"; readonly order: number }
  | { readonly op: "login"; readonly user: number; readonly number: number }
  | { readonly op: "resume" }
  | { readonly op: "replay" }
  | { readonly op: "sweep"; readonly kinds: readonly NetworkKind[] }
  | {
      readonly op: "read";
      readonly kind: NetworkKind;
      readonly number: number;
      readonly wishes: string;
    }
  /** Writes decided against what was read a while ago: nothing but the guarded statement stands in their way. */
  | { readonly op: "overtaken"; readonly writes: readonly LateWrite[] }
  | { readonly op: "follow"; readonly limit: number };

export interface LateWrite {
  readonly kind: NetworkKind;
  readonly number: number;
  readonly tombstone: boolean;
  /** Before now, ms. */
  readonly fetchedBackMs: number;
  /** From the row's own date, ms; undefined: undated. */
  readonly datedByMs: number | undefined;
  readonly hash: "held" | "other";
  readonly over: "held" | "other" | undefined;
  readonly fieldsVersion: number;
  readonly organization: number | undefined;
}

export const QUARTER = "*/15 * * * *";
export const DAILY = "17 3 * * *";

export interface History {
  readonly seed: number;
  readonly shape: Shape;
  readonly operations: readonly Operation[];
}

export function drawHistory(seed: number): History {
  const chance = createChance(seed).fork("parity");
  const crowded = chance.happens(0.15);
  const shape: Shape = {
    organizations: 2,
    staff: 2,
    clients: crowded ? 12 : chance.between(2, 5),
    paging: chance.pick(["time", "id", "offset"]),
    pageSize: chance.pick([2, 3, 50]),
    grainMs: chance.pick([1, 1_000]),
    skewMs: chance.pick([0, 0, 30_000, -30_000]),
  };
  const length = chance.between(6, 14);
  const operations = Array.from({ length }, () => draw(chance, shape)).flat();
  const burst: Operation[] = crowded
    ? [
        ...Array.from({ length: 11 }, (_, i): Operation => {
          return { op: "change", kind: "clients", number: i + 1, lagMs: 0, event: true };
        }),
        { op: "deliver", most: 99, order: 1, twice: 0 },
        { op: "consume", queue: "mirror-events", most: 99, order: 1, again: false },
      ]
    : [];
  const at = chance.between(0, operations.length);
  return { seed, shape, operations: [...operations.slice(0, at), ...burst, ...operations.slice(at)] };
}

type Draw = (chance: Chance, shape: Shape) => readonly Operation[];

const KINDS_READ = ["organizations", "staff", "clients", "clients", "clients", "assessment-status"] as const;

const order = (chance: Chance) => chance.between(0, 1_000_000);

const numberOf = (chance: Chance, kind: NetworkKind, shape: Shape) => {
  const known =
    kind === "organizations" ? shape.organizations : kind === "staff" ? shape.staff : shape.clients;
  // Now and then one that did not exist before.
  return chance.between(1, chance.happens(0.1) ? known + 1 : known);
};

const changed: Draw = (chance, shape) => {
  const kind = chance.pick(KINDS_READ);
  const status = chance.pick(["active", "discharged", "locked", undefined]);
  const change: Operation = {
    op: "change",
    kind,
    number: numberOf(chance, kind, shape),
    lagMs: chance.pick([0, 0, 1_000, 4_000]),
    event: chance.happens(0.8),
    ...(status === undefined ? {} : { status }),
  };
  return [change];
};

const consumed: Draw = (chance) => [
  {
    op: "consume",
    queue: chance.pick(["mirror-events", "mirror-events", "mirror-jobs"]),
    most: chance.pick([1, 2, 5, 100]),
    order: order(chance),
    again: chance.happens(0.25),
  },
];

const delivered: Draw = (chance) => [
  {
    op: "deliver",
    most: chance.pick([1, 3, 99]),
    order: order(chance),
    twice: chance.pick([0, 0, 1, 2]),
    ...(chance.happens(0.05) ? { forged: true as const } : {}),
  },
];

const PATHS = [
  "/clients",
  "/clients/client_1",
  "/clients/client_2",
  "/staff",
  "/organizations",
  "/webhooks",
  "/",
];

const faulty: Draw = (chance) => [
  {
    op: "fault",
    fault: { path: chance.pick(PATHS), how: chance.pick(TROUBLES), times: chance.pick([1, 1, 2, 9]) },
  },
];

const clientNumber = (chance: Chance, shape: Shape) => numberOf(chance, "clients", shape);

/** Told in one breath, so that the short histories reach far. */
const whole: Draw = (chance, shape) => [
  ...changed(chance, shape),
  ...delivered(chance, shape),
  ...consumed(chance, shape),
];

/** A disappearance is told, looked at, and looked at again when that may count. */
const buried: Draw = (chance, shape) => {
  const number = numberOf(chance, "clients", shape);
  return [
    { op: "drain", order: order(chance) },
    { op: "vanish", kind: "clients", number },
    { op: "tell", type: "client.updated", number },
    { op: "deliver", most: 99, order: order(chance), twice: 0 },
    { op: "drain", order: order(chance) },
    { op: "pass", seconds: chance.pick([30, 61, 61]) },
    { op: "drain", order: order(chance) },
  ];
};

const reminded: Draw = (chance, shape) => {
  const number = numberOf(chance, "clients", shape);
  return [
    { op: "remind", number },
    { op: "deliver", most: 99, order: order(chance), twice: chance.between(0, 1) },
    ...consumed(chance, shape),
    { op: "acknowledge", order: order(chance) },
    { op: "tell", type: "assessment.submitted", number },
  ];
};

const overtaken: Draw = (chance, shape) => {
  const numbers = Array.from({ length: chance.between(1, 3) }, (_, i) => i + 1);
  const writes = numbers.map((number): LateWrite => {
    const kind = chance.pick(["clients", "clients", "assessment-status", "staff"] as const);
    return {
      kind,
      number: Math.min(number, kind === "staff" ? shape.staff : shape.clients),
      tombstone: chance.happens(0.2),
      fetchedBackMs: chance.pick([-1, 0, 60_000, 7_200_000]),
      datedByMs: chance.pick([undefined, -5_000, 0, 0, 5_000]),
      hash: chance.pick(["held", "other"]),
      over: chance.pick([undefined, undefined, "held", "other"]),
      fieldsVersion: chance.pick([0, 0, 0, 1]),
      organization: chance.pick([undefined, 1, 2]),
    };
  });
  const once = writes.filter(
    (one, i) => writes.findIndex((w) => w.kind === one.kind && w.number === one.number) === i,
  );
  // Over rows that are there, and once more over what came of it.
  return [
    {
      op: "overtaken",
      writes: once.map((one) => ({ ...one, tombstone: false, hash: "other", over: undefined })),
    },
    { op: "overtaken", writes: once },
  ];
};

const WEIGHTED: readonly (readonly [number, Draw])[] = [
  [12, changed],
  [14, whole],
  [5, buried],
  [12, overtaken],
  [4, reminded],
  [
    4,
    (chance, shape) => [
      {
        op: "move",
        number: clientNumber(chance, shape),
        to: chance.between(1, shape.organizations),
        event: chance.happens(0.7),
      },
    ],
  ],
  [
    4,
    (chance, shape) => {
      const kind = chance.pick(["clients", "clients", "assessment-status", "staff"] as const);
      return [{ op: "vanish", kind, number: numberOf(chance, kind, shape) }];
    },
  ],
  [
    2,
    (chance, shape) => {
      const kind = chance.pick(["clients", "staff"] as const);
      return [{ op: "backdate", kind, number: numberOf(chance, kind, shape) }];
    },
  ],
  [4, (chance, shape) => [{ op: "remind", number: clientNumber(chance, shape) }]],
  [
    4,
    (chance, shape) => [
      {
        op: "tell",
        type: chance.pick([
          "assessment.submitted",
          "assessment.scored",
          "client.readmitted",
          "client.enrolled",
          "webhook.test",
          "client.unheard_of",
        ]),
        number: clientNumber(chance, shape),
      },
    ],
  ],
  [10, delivered],
  [2, (chance) => [{ op: "lose", most: chance.pick([1, 2, 9]), order: order(chance) }]],
  [12, consumed],
  [6, (chance) => [{ op: "drain", order: order(chance) }]],
  [2, (chance) => [{ op: "give up", order: order(chance) }]],
  [
    8,
    (chance) => [{ op: "tick", times: chance.pick([1, 1, 2]), cron: chance.happens(0.1) ? DAILY : QUARTER }],
  ],
  [12, (chance) => [{ op: "pass", seconds: chance.pick([1, 3, 6, 20, 61, 61, 300, 900, 7_200]) }]],
  [4, faulty],
  [4, () => [{ op: "heal" }]],
  [1, (chance) => [{ op: "kill webhook", how: chance.pick(["disabled", "missing"]) }]],
  [2, () => [{ op: "evict" }]],
  [2, (chance, shape) => [{ op: "purge", number: clientNumber(chance, shape) }]],
  [2, (chance) => [{ op: "fields", list: chance.between(0, 3) }]],
  [
    2,
    (chance) => [
      { op: "rebuild", kinds: chance.pick([[], ["clients"], ["staff", "assessment-status"]] as const) },
    ],
  ],
  [1, () => [{ op: "cancel" }]],
  [3, (chance) => [{ op: "acknowledge", order: order(chance) }]],
  [3, (chance, shape) => [{ op: "login", user: chance.between(1, 2), number: clientNumber(chance, shape) }]],
  [2, () => [{ op: "resume" }]],
  [1, () => [{ op: "replay" }]],
  [2, (chance) => [{ op: "sweep", kinds: chance.pick([[], ["clients"], ["staff"]] as const) }]],
  [
    3,
    (chance, shape) => {
      const kind = chance.pick(KINDS_READ);
      const wishes = chance.pick(["", "", "no-cache", "max-age=60", "only-if-cached"]);
      return [{ op: "read", kind, number: numberOf(chance, kind, shape), wishes }];
    },
  ],
  [4, (chance) => [{ op: "follow", limit: chance.pick([1, 3, 100]) }]],
];

const TOTAL = WEIGHTED.reduce((sum, [weight]) => sum + weight, 0);

function draw(chance: Chance, shape: Shape): readonly Operation[] {
  let left = chance.between(1, TOTAL);
  for (const [weight, drawn] of WEIGHTED) {
    left -= weight;
    if (left <= 0) return drawn(chance, shape);
  }
  return [];
}
