// Positions of the feed on two mirrors. What one operation writes to several records gets its numbers in the order in
// which the machine finished; every one of those orders is right. So after each operation both mirrors must have given
// the same numbers to the same records, and which of them got which is what is translated. Across operations nothing
// is translated: the order of operations is the order of the feed.

export interface Position {
  readonly kind: string;
  readonly id: string;
  readonly seq: number;
}

export function createPositions() {
  const toMemory = new Map<number, number>();
  let moved = 0;
  return {
    /** A position of workerd, as the memory has it. */
    translate: (seq: number) => toMemory.get(seq) ?? seq,
    /** How often another order came out. */
    get moved() {
      return moved;
    },
    /** @param memory and workerd: what has a new position since the last operation. @returns what differs */
    note(memory: readonly Position[], workerd: readonly Position[]): string | undefined {
      const [numbers, others] = [numbersOf(memory), numbersOf(workerd)];
      const [refs, otherRefs] = [refsOf(memory), refsOf(workerd)];
      if (numbers !== others || refs !== otherRefs)
        return `new positions\n  memory:  ${numbers} for ${refs}\n  workerd: ${others} for ${otherRefs}`;
      const places = new Map(memory.map((one) => [keyOf(one), one.seq]));
      for (const one of workerd) {
        const seq = places.get(keyOf(one)) ?? one.seq;
        toMemory.set(one.seq, seq);
        if (seq !== one.seq) moved++;
      }
      return undefined;
    },
  };
}

const keyOf = ({ kind, id }: Position) => `${kind}/${id}`;
const refsOf = (all: readonly Position[]) => all.map(keyOf).sort().join(" ");
const numbersOf = (all: readonly Position[]) =>
  all
    .map(({ seq }) => seq)
    .sort((a, b) => a - b)
    .join(" ");
