// Dark and light: by the system, unless the person chose one.

import { computed, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const key = "eye.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(dark.matches);

export const theme = signal<Theme>((localStorage.getItem(key) as Theme | null) ?? "system");
/** The theme that is shown. */
export const themeName = computed(() => (theme.value === "system" ? (systemDark.value ? "dark" : "light") : theme.value));

export function startTheme(): void {
  dark.addEventListener("change", () => (systemDark.value = dark.matches));
  effect(() => {
    document.documentElement.dataset["theme"] = themeName.value;
    localStorage.setItem(key, theme.value);
  });
}
