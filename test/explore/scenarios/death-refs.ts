// References to die with: taken and given back in each way, on their way between two workers,
// and more of them than a seat has room for.
//
// For test/explore/death.ts only. In the end the living give back what is theirs: a count that
// is then too high leaks, one too low stops the core.

import { Ref } from "../../../assembly/shared/abi";
import type { Core } from "../exports";
import { call, expect, makeMm, map, READ, type Scenario } from "../scenario";
import type { Body, World } from "../world";

/** Words of a ledger's record: the explore build has one such record in a seat. */
const IN_SEAT = 7;

function space(world: World, owner: Core): number {
  const mm = makeMm(world, owner);
  map(world.control, mm, 0, 2, READ);
  return mm;
}

/** The two fibers' cores. */
function cores(world: World): [Core, Core] {
  return world.fibers.map(({ x }) => x) as [Core, Core];
}

/** The control keeps a space; both take references to it and give them back. */
const kept: Scenario<number> = {
  name: "death-refs-kept",
  title: "mmget, mmgrab, mmget_not_zero and their puts, of a space that stays",
  fibers: 2,
  setup: (world) => space(world, world.control),
  run(world, mm) {
    function* body(x: Core): Body {
      yield () => x.mmget(mm);
      yield () => x.mmget(mm);
      yield () => x.mmgrab(mm);
      expect((yield () => x.mmget_not_zero(mm)) === 1, "the space has no user");
      yield () => x.mmput(mm);
      yield () => x.mmdrop(mm);
      yield () => x.mmput_async(mm);
    }
    return {
      fibers: cores(world).map(body),
      check: () => expect(world.control.mm_users(mm) === 3, "not one user each"),
    };
  },
  mutants: [],
};

/** The second fiber has a struct reference. */
const last: Scenario<number> = {
  name: "death-refs-last",
  title: "the last mmput with its teardown vs mmget_not_zero",
  fibers: 2,
  setup(world) {
    const [a, b] = cores(world);
    const mm = space(world, a);
    b.mmgrab(mm);
    return mm;
  },
  run(world, mm) {
    const [a, b] = cores(world);
    function* visitor(): Body {
      yield () => b.mmget_not_zero(mm);
    }
    return { fibers: [call(() => a.mmput(mm)), visitor()], check: () => undefined };
  },
  mutants: [],
};

/** Each has made as many spaces as its seat has room for. */
const many: Scenario<number[]> = {
  name: "death-refs-many",
  title: "one reference more than the seat has room for, and back",
  fibers: 2,
  setup(world) {
    const mms = Array.from({ length: IN_SEAT }, () => makeMm(world));
    for (const x of cores(world)) for (const mm of mms) x.mmget(mm);
    return mms;
  },
  run(world, mms) {
    const mm = mms[0]!;
    function* body(x: Core): Body {
      yield () => x.mmgrab(mm);
      yield () => x.mmgrab(mms[1]!);
      yield () => x.mmdrop(mm);
      yield () => x.mmdrop(mms[1]!);
    }
    return {
      fibers: cores(world).map(body),
      check: () => expect(world.control.mm_count(mm) === 1, `mm_count is not 1`),
    };
  },
  mutants: [],
};

interface Message {
  mm: number;
  flight: number;
  claim: number;
}

/** The sender's user reference is in a message, before the first step; it keeps a struct reference. */
const sent: Scenario<Message> = {
  name: "death-refs-sent",
  title: "a reference in flight: received, or taken back, and its record used again",
  fibers: 2,
  setup(world) {
    const [a] = cores(world);
    const mm = space(world, a);
    a.mmgrab(mm);
    const flight = a.flight_launch(Ref.USERS, mm);
    a.slab_drain(); // the record will be the only one in its magazine
    return { mm, flight, claim: world.u32[a.worker_scratch() >> 2]! };
  },
  run(world, { mm, flight, claim }) {
    const [a, b] = cores(world);
    let received = 0;
    let recalled = 0;
    function* receiver(): Body {
      received = yield () => b.flight_land(flight, claim);
      if (received === 1) yield () => b.mmget(mm);
    }
    function* sender(): Body {
      recalled = yield () => a.flight_recall(flight);
      const second = yield () => a.flight_launch(Ref.COUNT, mm);
      expect(second === flight, "not the same record");
      yield () => a.flight_recall(second);
    }
    return {
      fibers: [sender(), receiver()],
      check: () => expect(received + recalled === 1, `received ${received}, back ${recalled}`),
    };
  },
  mutants: [],
};

export const deadReferences: Scenario[] = [kept, last, many, sent];
