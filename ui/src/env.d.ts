/// <reference types="vite/client" />

interface JSON {
  /** A number kept as it was written; newer browsers have it. */
  rawJSON?(text: string): object;
  isRawJSON?(value: unknown): value is { rawJSON: string };
}
