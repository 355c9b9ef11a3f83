// The pages and their addresses below /ui/. The server knows them by name: http/routes/page.py.

import { createRouter, createWebHistory } from "vue-router";
import type { RouteRecordRaw } from "vue-router";
import type { IconName } from "./components/icons";

export interface Entry {
  name: string;
  title: string;
  icon: IconName;
  /** Pressed after g. */
  key: string;
}

/** The navigation, in its order. */
export const ENTRIES: readonly Entry[] = [
  { name: "overview", title: "Overview", icon: "gauge", key: "o" },
  { name: "tasks", title: "Tasks", icon: "list", key: "t" },
  { name: "failures", title: "Failures", icon: "broken", key: "x" },
  { name: "workflows", title: "Workflows", icon: "graph", key: "f" },
  { name: "schedules", title: "Schedules", icon: "clock", key: "s" },
  { name: "queues", title: "Queues", icon: "queue", key: "q" },
  { name: "workers", title: "Workers", icon: "worker", key: "w" },
  { name: "admin", title: "Admin", icon: "sliders", key: "a" },
];

const routes: RouteRecordRaw[] = [
  { path: "/", name: "overview", component: () => import("./pages/OverviewPage.vue") },
  { path: "/tasks", name: "tasks", component: () => import("./pages/TasksPage.vue") },
  { path: "/tasks/:id", name: "task", component: () => import("./pages/TaskPage.vue"), props: true },
  { path: "/failures", name: "failures", component: () => import("./pages/FailuresPage.vue") },
  { path: "/workflows", name: "workflows", component: () => import("./pages/WorkflowsPage.vue") },
  { path: "/workflows/:id", name: "workflow", component: () => import("./pages/WorkflowPage.vue"), props: true },
  { path: "/schedules", name: "schedules", component: () => import("./pages/SchedulesPage.vue") },
  { path: "/schedules/:id", name: "schedule", component: () => import("./pages/SchedulePage.vue"), props: true },
  { path: "/queues", name: "queues", component: () => import("./pages/QueuesPage.vue") },
  { path: "/workers", name: "workers", component: () => import("./pages/WorkersPage.vue") },
  { path: "/admin/:id?", name: "admin", component: () => import("./pages/AdminPage.vue"), props: true },
  { path: "/:elsewhere(.*)*", name: "missing", component: () => import("./pages/MissingPage.vue") },
];

export const router = createRouter({
  history: createWebHistory(new URL(document.baseURI).pathname),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path && to.query.cursor === from.query.cursor ? false : { top: 0 }),
});
