// A short message that disappears, such as "Copied"; screen readers read it.

import { signal } from "@preact/signals";

export const notice = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function notify(text: string): void {
  notice.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (notice.value = ""), 4000);
}

/** Copies a text and says so. Pages without a secure context have the older way alone. */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(`${what} copied`);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    notify(copied ? `${what} copied` : `${what} could not be copied: the browser does not allow it`);
  }
}

/** Saves a text as a file. */
export function download(name: string, type: string, content: string): void {
  save(name, new Blob([content], { type }));
}

export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
