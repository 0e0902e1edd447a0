// Whole calls against each other: a growing stack, fork, identities.

import type { Core } from "../exports";
import { VMA } from "../layout";
import {
  ACCESS_WRITE,
  at,
  call,
  checkMm,
  checkRefcounts,
  checkTeardown,
  expect,
  GROWSDOWN,
  live,
  makeMm,
  map,
  mapFixed,
  mutant,
  PAGE,
  READ,
  type Scenario,
  type Space,
  WRITE,
  warm,
} from "../scenario";
import type { Body } from "../world";

const FAULT = "ops/fault.ts";

const stack: Scenario<Space> = {
  name: "stack-growth",
  title: "a fault grows the stack vs mmap into the gap (upstream race 1, StackRot)",
  upstream: [1],
  fibers: 2,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world);
    map(world.control, mm, 0, 1, READ);
    map(world.control, mm, 30, 2, READ | WRITE, GROWSDOWN);
    return { mm, before };
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    let outcome = -1;
    function* fault(): Body {
      outcome = yield () => a.handle_mm_fault(mm, at(22), ACCESS_WRITE);
    }
    return {
      fibers: [fault(), call(() => mapFixed(b, mm, 24, 1, READ))],
      check() {
        checkMm(world, mm);
        const x = world.control;
        const grown = x.vma_lookup(mm, at(22)) !== 0;
        expect(grown === (outcome % 16 === 0), `fault ${outcome}, stack grown: ${grown}`);
        expect(x.vma_lookup(mm, at(24)) !== 0, "the mapping is gone");
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      FAULT,
      "what was found under the read lock is grown under the write lock",
      "  return fault_growing_stack(mm, address, access);\n",
      `  mmap_write_lock(mm);
  const grew = expand_downwards(mm, found, address);
  mmap_write_unlock(mm);
  return grew ? Fault.OK : Fault.SEGV_MAPERR;
`,
    ),
  ],
};

/** Fork must wait for a fault that has the VMA, and keep later ones out until it is done. */
const fork: Scenario<Space> = {
  name: "fork-fault",
  title: "fork vs a fault under a VMA read lock (upstream race 4)",
  upstream: [4],
  fibers: 2,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world);
    map(world.control, mm, 0, 2, READ | WRITE);
    return { mm, before };
  },
  run(world, { mm, before }) {
    const [a, b] = world.fibers.map((fiber) => fiber.x) as [Core, Core];
    let faulting = false;
    let child = 0;
    function* fault(): Body {
      const vma = yield () => a.lock_vma_under_rcu(mm, at(1));
      if (vma !== 0) {
        world.hold(vma, mm, at(1));
        faulting = true;
        yield () => a.mm_stat(mm, 11);
        faulting = false;
        world.release(vma);
        yield () => a.vma_end_read(vma);
      }
      yield () => a.handle_mm_fault(mm, at(1), ACCESS_WRITE);
    }
    function* forker(): Body {
      const during = faulting;
      child = yield () => b.mm_fork(mm);
      expect(world.dead.has(0) || !(during && faulting), "forked while a fault was in the VMA");
    }
    return {
      fibers: [fault(), forker()],
      check() {
        expect(child > 0, `fork: ${child}`);
        checkMm(world, mm);
        checkMm(world, child);
        checkRefcounts(world, mm, [0]);
        checkRefcounts(world, child, [0]);
        world.control.mmput(child);
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      "ops/fork.ts",
      "fork does not write-lock what it copies",
      "    vma_start_write(vma, mm); // upstream race 4: no fault while it is copied\n",
      "",
    ),
  ],
};

/** Two faults want an identity for the same VMA while a third call merges it away. */
const identity: Scenario<Space> = {
  name: "fault-identity",
  title: "write faults give a VMA its identity once, beside a merge (upstream race 5)",
  upstream: [5],
  fibers: 3,
  setup(world) {
    warm(world);
    const before = live(world);
    const mm = makeMm(world);
    map(world.control, mm, 0, 2, READ);
    map(world.control, mm, 2, 2, READ | WRITE);
    return { mm, before };
  },
  run(world, { mm, before }) {
    const [a, b, c] = world.fibers.map((fiber) => fiber.x) as [Core, Core, Core];
    const words: number[] = [];
    function* fault(x: Core): Body {
      yield () => x.handle_mm_fault(mm, at(2), ACCESS_WRITE);
      const vma = world.quietly(() => world.control.vma_lookup(mm, at(2)));
      const word = vma === 0 ? 0 : world.u32[(vma + VMA.ANON_VMA) >> 2]!;
      if (word !== 0) words.push(word);
    }
    return {
      fibers: [fault(a), fault(b), call(() => c.mprotect(mm, at(0), 2 * PAGE, READ | WRITE))],
      check() {
        checkMm(world, mm);
        checkRefcounts(world, mm, [0, 2]);
        const vma = world.control.vma_lookup(mm, at(2));
        const last = world.u32[(vma + VMA.ANON_VMA) >> 2]!;
        expect(last !== 0, "a write fault left no identity");
        expect(
          words.every((word) => word === last),
          `the identity changed: ${words} ${last}`,
        );
        checkTeardown(world, mm, before);
      },
    };
  },
  mutants: [
    mutant(
      "mm/vma.ts",
      "the second fault overwrites the first one's identity",
      "cmpxchg(vma + Vma.ANON_VMA, AnonVma.NONE, word);",
      "store_release(vma + Vma.ANON_VMA, word);",
    ),
  ],
};

export const operations: Scenario[] = [stack, fork, identity];
