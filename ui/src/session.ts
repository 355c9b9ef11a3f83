// Who looks at the dashboard. A hub with accounts is asked by nobody unknown; one without knows no logins.

import { computed, reactive } from "vue";
import { Problem, get, post, prove, whenUnknown } from "./api/client";
import { forgetLooks } from "./look";
import type { Me, Scope } from "./api/types";

export const session = reactive({
  /** asking: not known yet; out: a login is asked for; in: go on. */
  state: "asking" as "asking" | "in" | "out",
  me: null as Me | null,
});

export const email = computed(() => session.me?.user?.email ?? null);

/** Whether whoever looks may do this; what is not allowed is not offered. */
export const may = (scope: Scope): boolean => session.me === null || session.me.scopes.includes(scope);

/** Find out who looks. Raises Unreachable. */
export async function findOut(): Promise<void> {
  try {
    session.me = await get("/auth/me");
    prove(session.me.csrf_token);
    session.state = "in";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status !== 401) throw error;
    leave();
  }
}

export async function logIn(address: string, password: string): Promise<void> {
  await post("/auth/login", { body: { email: address, password, cookie: true } });
  await findOut();
}

export async function logOut(): Promise<void> {
  try {
    await post("/auth/logout");
  } finally {
    leave();
  }
}

function leave(): void {
  session.me = null;
  session.state = "out";
  prove(null);
  forgetLooks();
}

whenUnknown(leave);
