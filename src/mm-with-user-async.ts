// MmWithUserAsync: a user reference whose dispose never tears the space down in the caller.
//
// It is made from an MmWithUser, so the import points one way. Floor: S3. Imports: mm.

import { MmWithUser } from "./mm.js";

/**
 * An {@link MmWithUser} that is given back with mmput_async: if it was the last user, the
 * teardown is queued, and run by the engine's next turn or {@link Engine.runDeferred}, in
 * any worker. For threads that must not be held up, and for callers that hold locks.
 *
 * Made by {@link MmWithUser.intoMmputAsync}, which consumes that handle.
 *
 * Source: `MmWithUserAsync`, rust/kernel/mm/mmput_async.rs.
 */
export class MmWithUserAsync extends MmWithUser {
  protected override get kind(): string {
    return "MmWithUserAsync";
  }

  protected override giveBack(pointer: number): void {
    this.context.core.x.mmput_async(pointer);
    this.context.scheduleDeferred();
  }

  override clone(): MmWithUserAsync {
    return new MmWithUserAsync(this.context, this.mmget());
  }

  override intoMmputAsync(): MmWithUserAsync {
    return new MmWithUserAsync(this.context, this.take());
  }
}
