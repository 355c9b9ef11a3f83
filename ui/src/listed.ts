// The list one came from, so that a task's page knows the next one, and the way back.

import { shallowReactive } from "vue";

export const listed = shallowReactive({ ids: [] as readonly string[], path: "/tasks" });
