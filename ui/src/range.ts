// How far back one looks, as it stands in the address.

import { computed } from "vue";
import type { ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { one } from "./filters";

/** In words, and what one step of it is called. */
export const RANGES = { "1h": ["hour", "minute"], "24h": ["24 hours", "15 minutes"], "7d": ["7 days", "2 hours"] } as const;
export type Range = keyof typeof RANGES;

const isRange = (text: string): text is Range => Object.hasOwn(RANGES, text);

export function useRange(): { range: ComputedRef<Range>; choose: (range: Range) => void } {
  const route = useRoute();
  const router = useRouter();
  const range = computed<Range>(() => {
    const said = one(route.query.range);
    return isRange(said) ? said : "1h";
  });
  return { range, choose: (chosen) => void router.push({ query: { ...route.query, range: chosen === "1h" ? undefined : chosen } }) };
}
