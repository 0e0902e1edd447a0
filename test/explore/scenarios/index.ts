// All scenarios, in the order they are run.

import type { Scenario } from "../scenario";
import { liveness } from "./liveness";
import { lifetimes } from "./mm";
import { mmapLock } from "./mmap-lock";
import { operations } from "./ops";
import { pages } from "./pages";
import { peeks } from "./peek";
import { upstream } from "./upstream";
import { vmaLock } from "./vma-lock";

export const scenarios: Scenario[] = [
  ...mmapLock,
  ...liveness,
  ...vmaLock,
  ...peeks,
  ...lifetimes,
  ...operations,
  ...pages,
  ...upstream,
];
