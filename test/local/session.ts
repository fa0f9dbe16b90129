// A running system with someone watching it: whatever the upstream announces is timed until the mirror shows it.

import type { Network } from "../fake-rcms/network.ts";
import { type Announced, announcements } from "./announced.ts";
import { type Connected, connect } from "./connect.ts";
import type { LocalSystem } from "./local-system.ts";
import { createMirrorReader, type MirrorReader } from "./mirror-reader.ts";
import { createTally, type Tally } from "./tally.ts";
import { createWatcher, type Seen } from "./watcher.ts";

// Changes made by hand over the local RCMS's admin port are noticed this late; their latency is not affected.
const LISTEN_EVERY_MS = 20;

export interface Session {
  readonly system: LocalSystem;
  readonly network: Network;
  readonly connected: Connected;
  readonly mirror: MirrorReader;
  totals(): Tally;
  /** How many changes are not readable yet. */
  waiting(): number;
  /** What arrives meanwhile counts as mirrored, but its time says nothing about webhooks. */
  untimed(act: () => Promise<void>): Promise<void>;
  close(): void;
}

export interface SessionOptions {
  /** A change that is not readable after this long counts as not arrived. */
  readonly patienceMs: number;
  readonly onChange?: (change: Announced) => void;
  readonly onSeen: (seen: Seen) => void;
}

/** The network the demo happens in: a few organizations with some history, so that not all that changes is new. */
export function populate(system: LocalSystem): Network {
  return system.fake.createNetwork({ id: "default", seed: { organizations: 4, staff: 16, clients: 60 } });
}

/** @throws Trouble when the worker refuses to be connected */
export async function openSession(
  system: LocalSystem,
  network: Network,
  { patienceMs, onChange, onSeen }: SessionOptions,
): Promise<Session> {
  const connected = await connect(system, network);
  const mirror = createMirrorReader(system.workerUrl, connected.key);
  const watcher = createWatcher(mirror, patienceMs);
  const tally = createTally();
  const announced = announcements(network);

  const listening = setInterval(() => {
    for (const change of announced()) {
      tally.changed(change);
      onChange?.(change);
      void watcher.watch(change).then((seen) => {
        tally.seen(seen);
        onSeen(seen);
      });
    }
  }, LISTEN_EVERY_MS);

  return {
    system,
    network,
    connected,
    mirror,
    totals: tally.read,
    waiting: watcher.waiting,
    async untimed(act) {
      tally.timing(false);
      await act();
      tally.timing(true);
    },
    close: () => clearInterval(listening),
  };
}
