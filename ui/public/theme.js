// Before anything is drawn: whoever has chosen light or dark is never shown the other.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden: the system's choice holds.
}
