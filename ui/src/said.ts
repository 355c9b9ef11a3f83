// A field shows what stands in the address, and what one types until that changes: an answer that comes meanwhile takes no word away,
// as it would with :value, which is set anew whenever its page is drawn.

import type { Directive } from "vue";

export const vSaid: Directive<HTMLInputElement, string> = {
  mounted: (field, { value }) => void (field.value = value),
  updated: (field, { value, oldValue }) => {
    if (value !== oldValue) field.value = value;
  },
};
