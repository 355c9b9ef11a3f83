// How the first task is submitted from a shell.

import { address } from "./api/client";

const hub = address("").href.replace(/\/$/, "");

export const EXAMPLES = [
  `curl ${hub}/tasks -d '{"type": "web.title", "payload": {"url": "https://example.org/"}}'`,
  `taskflow task submit web.title '{"url": "https://example.org/"}' --wait`,
] as const;
