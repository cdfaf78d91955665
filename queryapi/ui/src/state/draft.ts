// Drafts of schemas: what was typed and not saved. They stay in the tab until it is closed,
// so that loading the page again loses nothing.

export interface Draft {
  text: string;
  /** The revision that the draft began from, 0 for a new type, and its text. */
  base: number;
  baseText: string;
  /** The dry runs of this tab, with the text that each of them judged. */
  judged?: { job: string; text: string } | undefined;
}

const keyOf = (category: string, name: string): string => `eye.draft.${JSON.stringify([category, name])}`;

export function readDraft(category: string, name: string): Draft | undefined {
  const kept = sessionStorage.getItem(keyOf(category, name));
  return kept === null ? undefined : (JSON.parse(kept) as Draft);
}

/** Keeps a draft, or forgets it. A tab that has no room left keeps it in memory alone. */
export function keepDraft(category: string, name: string, draft: Draft | undefined): void {
  try {
    if (draft) sessionStorage.setItem(keyOf(category, name), JSON.stringify(draft));
    else sessionStorage.removeItem(keyOf(category, name));
  } catch {
    // The draft is on the screen all the same.
  }
}
