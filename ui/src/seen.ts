// Has it come into sight yet? What nobody has scrolled to need not be asked for.

import { onBeforeUnmount, onMounted, ref } from "vue";
import type { Ref } from "vue";

const AHEAD = "200px";

export function useSeen(place: Readonly<Ref<HTMLElement | null>>): Ref<boolean> {
  const seen = ref(false);
  const watching = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.value = true;
      watching.disconnect();
    },
    { rootMargin: AHEAD },
  );
  onMounted(() => place.value && watching.observe(place.value));
  onBeforeUnmount(() => watching.disconnect());
  return seen;
}
