// The dashboard comes in pieces, a page each. All are fetched soon, so that one can go to any page while the hub is away. A hub that
// has been restarted may be a newer one, whose pieces have other names: what is shown goes on, for the API only grows, and the next
// page that one goes to is the newer dashboard's.

import { ref, watch } from "vue";
import type { RouteLocationNormalized } from "vue-router";
import { connection } from "./live";
import { router } from "./router";

const SOON_MS = 1500;
const AGAIN_MS = 2000;
const SCRIPT = /<script type="module"[^>]* src="([^"]+)"/;
const own = document.querySelector('script[type="module"]')?.getAttribute("src");

/** The hub serves another dashboard than this one. */
export const upgraded = ref(false);

/** Load an address anew, from the hub: what one sees stands in it. */
export function reload(path = router.currentRoute.value.fullPath): void {
  location.assign(router.resolve(path).href);
}

/** Whether the hub can be asked which dashboard it has. */
async function compare(): Promise<boolean> {
  try {
    const answer = await fetch(new URL("./", document.baseURI), { headers: { Accept: "text/html" } });
    const theirs = SCRIPT.exec(await answer.text())?.[1];
    if (theirs !== undefined) upgraded.value = theirs !== own;
    return answer.ok;
  } catch {
    return false; // it is away
  }
}
watch(() => connection.state, (_, before) => {
  if (before === "lost" || before === "polling") void compare();
});

async function has({ matched }: Pick<RouteLocationNormalized, "matched">): Promise<boolean> {
  const page: unknown = matched.at(-1)?.components?.default;
  try {
    if (typeof page === "function") await page();
    return true;
  } catch {
    return false;
  }
}

/** Once the hub is there, unless one has gone elsewhere meanwhile. */
async function reloadSoon(path: string, wanted: () => boolean): Promise<void> {
  if (wanted() && (await compare())) reload(path);
  else if (wanted()) later(path, wanted);
}
function later(path: string, wanted: () => boolean): void {
  window.setTimeout(() => void reloadSoon(path, wanted), AGAIN_MS);
}

let going = 0;
router.beforeEach(async (to, from) => {
  const mine = ++going;
  if (to.path === from.path && from.matched.length > 0) return true;
  if (!upgraded.value && (await has(to))) return true;
  // What has just been loaded is not loaded anew at once, or it would go round and round.
  if (from.matched.length > 0) void reloadSoon(to.fullPath, () => mine === going);
  else later(to.fullPath, () => mine === going);
  return false;
});

window.setTimeout(() => {
  for (const route of router.getRoutes()) void has({ matched: [route] });
}, SOON_MS);
