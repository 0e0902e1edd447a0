// Light, dark, or as the system has it; remembered.

import { computed, effect, signal } from "@preact/signals";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "vmaple.theme";
const CHOICES: readonly ThemeChoice[] = ["system", "light", "dark"];
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});

export const themeChoice = signal<ThemeChoice>(remembered());

/** The theme that is shown. */
export const theme = computed(() =>
  themeChoice.value === "system" ? (systemIsDark.value ? "dark" : "light") : themeChoice.value,
);

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  try {
    localStorage.setItem(KEY, themeChoice.value);
  } catch {
    // Storage may be forbidden: then the choice lasts as long as the page.
  }
});

export function toggleTheme(): void {
  themeChoice.value = theme.value === "dark" ? "light" : "dark";
}

function remembered(): ThemeChoice {
  try {
    const word = localStorage.getItem(KEY);
    return CHOICES.find((choice) => choice === word) ?? "system";
  } catch {
    return "system";
  }
}
