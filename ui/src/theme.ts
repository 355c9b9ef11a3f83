// Light or dark: the system's choice, unless one is made here.

import { ref } from "vue";

export type Theme = "system" | "light" | "dark";

const chosen = document.documentElement.dataset.theme;
export const theme = ref<Theme>(chosen === "light" || chosen === "dark" ? chosen : "system");

export function choose(next: Theme): void {
  theme.value = next;
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
  } catch {
    // Storage may be forbidden: the choice holds until the page is left.
  }
}
