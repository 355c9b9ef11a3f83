// What is chosen in a row of links that is wider than the screen is moved into sight, and nothing else.

export function reveal(nav: HTMLElement | null): void {
  const chosen = nav?.querySelector<HTMLElement>("[aria-current]");
  if (nav && chosen) nav.scrollLeft = chosen.offsetLeft - nav.offsetLeft - (nav.clientWidth - chosen.offsetWidth) / 2;
}
