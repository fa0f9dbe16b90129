// Virtual time. Whatever waits, waits here; between two entries everything that can go on without waiting does, so
// the order of things is the order of this list and nothing is left to the machine.

export interface Clock {
  now(): number;
  at(time: number, run: () => void): void;
  sleep(ms: number): Promise<void>;
  /** Work of the machine itself (a signature): time stands still until it is done. */
  external<T>(work: Promise<T>): Promise<T>;
  /** Runs everything due up to this instant. */
  runUntil(time: number): Promise<void>;
  /** Entries run so far. */
  readonly steps: number;
}

interface Entry {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

export function createClock(start: number): Clock {
  const heap: Entry[] = [];
  let time = start;
  let order = 0;
  let steps = 0;
  let outside = 0;

  /**
   * Called once nothing can go on without waiting: a tick asked for by a microtask comes after every other microtask.
   * Far cheaper than a turn of the machine's own loop, which only work outside of it needs.
   */
  function whenSettled(go: () => void): void {
    queueMicrotask(() => process.nextTick(() => (outside > 0 ? setImmediate(whenSettled, go) : go())));
  }

  return {
    now: () => time,
    at(due, run) {
      push(heap, { time: Math.max(due, time), order: order++, run });
    },
    sleep(ms) {
      return new Promise((resume) => {
        push(heap, { time: time + Math.max(0, ms), order: order++, run: resume });
      });
    },
    async external(work) {
      outside++;
      try {
        return await work;
      } finally {
        outside--;
      }
    },
    runUntil(until) {
      return new Promise((resolve, reject) => {
        const turn = () => {
          const next = heap[0];
          if (next === undefined || next.time > until) {
            time = Math.max(time, until);
            resolve();
            return;
          }
          pop(heap);
          time = next.time;
          steps++;
          try {
            next.run();
          } catch (error) {
            reject(error);
            return;
          }
          whenSettled(turn);
        };
        whenSettled(turn);
      });
    },
    get steps() {
      return steps;
    },
  };
}

const before = (a: Entry, b: Entry) => a.time < b.time || (a.time === b.time && a.order < b.order);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(entry, heap[parent] as Entry)) break;
    heap[at] = heap[parent] as Entry;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop() as Entry;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++;
    if (!before(heap[child] as Entry, last)) break;
    heap[at] = heap[child] as Entry;
    at = child;
  }
  heap[at] = last;
}
