// Style sheets of single screens, which come with their scripts. They are constructed ones,
// which the policy of the page allows: nothing stands in markup.

const added = new Set<string>();

/** Adds sheets to the page, each once. */
export function addSheets(...texts: string[]): void {
  for (const text of texts) {
    if (added.has(text)) continue;
    added.add(text);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }
}
