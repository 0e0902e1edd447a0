// A new version of the page that is ready behind this one: says so, and takes it when asked.

import type { Store } from "../app/store.js";

const NOTICE = {
  id: "update",
  tone: "info",
  title: "A new version of this page is ready.",
} as const;

/** Tells the reader as soon as a service worker of another version waits, or another page has taken it. */
export function offerUpdate(registration: ServiceWorkerRegistration, store: Store): void {
  const { serviceWorker } = navigator;
  const reload = () => location.reload();
  const offer = (act: () => void) => {
    const text = "The log stays, as far as the page's address holds it.";
    store.notify({ ...NOTICE, text, action: { words: "Reload", act } });
  };
  const look = () => {
    const { waiting } = registration;
    // The first one that ever came replaces nobody.
    if (waiting === null || serviceWorker.controller === null) return;
    offer(() => {
      if (waiting.state !== "installed") return reload(); // taken meanwhile
      serviceWorker.addEventListener("controllerchange", reload, { once: true });
      waiting.postMessage("take");
    });
  };
  let isControlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    if (isControlled) offer(reload); // this page is of the old version
    isControlled = true;
  });
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", look);
  });
  look();
}
