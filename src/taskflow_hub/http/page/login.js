// Who looks at this page. A hub with accounts is asked by nobody unknown; one without knows no logins, and this says nothing.

import { get, post, prove, Problem, Unreachable } from "./api.js";
import { byId, say, show } from "./dom.js";

let me = null;

/** Whether whoever looks may do this; what is not allowed is not offered. */
export const may = (scope) => me === null || me.scopes.includes(scope);

/** Find out who looks. False: nobody that is known, and the page asks for a login instead. */
export async function known() {
  try {
    me = await get("auth/me");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      askForLogin();
      return false;
    }
    if (error instanceof Unreachable) return true; // the page says so, and tries again
    console.error(error);
    return true;
  }
  prove(me.csrf_token);
  if (me.user) {
    say(byId("who-email"), me.user.email);
    show(byId("who"), true);
    byId("logout").addEventListener("click", logout);
  }
  return true;
}

function askForLogin() {
  document.body.classList.add("unknown");
  show(byId("login"), true);
  byId("login-form").addEventListener("submit", login);
  byId("login-email").focus();
}

async function login(event) {
  event.preventDefault();
  const error = byId("login-error"), button = event.submitter;
  show(error, false);
  if (button) button.disabled = true;
  try {
    await post("auth/login", JSON.stringify({ email: byId("login-email").value.trim(), password: byId("login-password").value, cookie: true }));
    location.reload();
  } catch (problem) {
    say(error, problem.message);
    show(error, true);
    byId("login-password").select();
  } finally {
    if (button) button.disabled = false;
  }
}

async function logout() {
  try {
    await post("auth/logout");
  } finally {
    location.reload();
  }
}
