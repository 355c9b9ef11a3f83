// Elements, made without HTML: whatever a task says is text here, never markup.

/** el("a", {href: "x", class: "row", onclick: f}, "text", child, null) */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Set text only where it changes, so that a screen reader and a selection are left alone. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  node.hidden = !visible;
}

/** Make the children of `parent` those of `items`, keeping each node whose key and version stay. */
export function reconcile(parent, items, { key, version, make }) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item), mark = String(version(item));
    let node = old.get(name);
    old.delete(name);
    if (!node || node.dataset.version !== mark) {
      const made = make(item);
      made.dataset.key = name;
      made.dataset.version = mark;
      if (node) {
        const focused = node.contains(document.activeElement);
        if (place === node) place = made;
        node.replaceWith(made);
        if (focused) made.querySelector("a, button")?.focus({ preventScroll: true });
      }
      node = made;
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const node of old.values()) node.remove();
}

/** Tell everyone, without moving the focus. */
export function announce(text) {
  byId("said").textContent = text;
}
