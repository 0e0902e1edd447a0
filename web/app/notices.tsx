// Messages above the views, and the progress of what takes long.

import type { PaneProps } from "./slots.js";

export function Notices({ store }: PaneProps) {
  const task = store.task.value;
  return (
    <>
      {store.notices.value.map((notice) => (
        <div
          key={notice.id}
          class={`notice is-${notice.tone}`}
          role={notice.tone === "error" ? "alert" : "status"}
        >
          <p>
            <strong>{notice.title}</strong> {notice.text}
          </p>
          {notice.action === undefined ? null : (
            <button type="button" class="button is-small is-primary" onClick={notice.action.act}>
              {notice.action.words}
            </button>
          )}
          <button
            type="button"
            class="button is-small"
            onClick={() => store.notify({ ...notice, text: "" })}
          >
            Dismiss
          </button>
        </div>
      ))}
      {task === null ? null : (
        <div class="notice" role="status">
          <p>{task.title}</p>
          <progress
            aria-label={task.title}
            {...(task.share === null ? {} : { value: task.share })}
          />
          <button type="button" class="button is-small" onClick={task.cancel}>
            Cancel
          </button>
        </div>
      )}
    </>
  );
}
