// Menus that are <details>: one closes when something else is clicked, or by Escape, which gives the focus back to what opened it.

const opened = (): HTMLDetailsElement[] => [...document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")];

addEventListener("click", (event) => {
  for (const menu of opened()) if (!menu.contains(event.target as Node) || (event.target as Element).closest(".menu-items > button")) menu.open = false;
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of opened()) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
    event.preventDefault();
  }
});
