// Differences of texts by lines, and the merge of two changes of one text.

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Pairs of equal lines, by their indices, as many as there are. */
function common(a: string[], b: string[]): [number, number][] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const rows = a.length - start - end;
  const columns = b.length - start - end;
  const pairs: [number, number][] = [];
  for (let i = 0; i < start; i++) pairs.push([i, i]);
  // lengths[i][j] is how many lines the rests behind i and j have in common.
  const lengths = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      lengths[i]![j] = a[start + i] === b[start + j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  for (let i = 0, j = 0; i < rows && j < columns; ) {
    if (a[start + i] === b[start + j]) pairs.push([start + i++, start + j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  for (let i = end; i > 0; i--) pairs.push([a.length - i, b.length - i]);
  return pairs;
}

/** The empty text has no line. */
const linesOf = (text: string): string[] => (text === "" ? [] : text.split("\n"));

export function diffLines(before: string, after: string): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  for (const [x, y] of [...common(a, b), [a.length, b.length] as [number, number]]) {
    while (i < x) lines.push({ kind: "removed", text: a[i++]! });
    while (j < y) lines.push({ kind: "added", text: b[j++]! });
    if (x < a.length) lines.push({ kind: "same", text: a[x]! });
    i = x + 1;
    j = y + 1;
  }
  return lines;
}

/** Merges two changes of one text; undefined where they change the same lines differently. */
export function mergeLines(base: string, mine: string, theirs: string): string | undefined {
  const lines = base.split("\n");
  const toMine = new Map(common(lines, mine.split("\n")));
  const toTheirs = new Map(common(lines, theirs.split("\n")));
  const [m, t] = [mine.split("\n"), theirs.split("\n")];
  const merged: string[] = [];
  let b = 0;
  let i = 0;
  let j = 0;
  for (let at = 0; at <= lines.length; at++) {
    const x = at === lines.length ? m.length : toMine.get(at);
    const y = at === lines.length ? t.length : toTheirs.get(at);
    if (x === undefined || y === undefined) continue;
    const was = lines.slice(b, at).join("\n");
    const [one, other] = [m.slice(i, x), t.slice(j, y)];
    if (one.join("\n") === other.join("\n") && one.length === other.length) merged.push(...one);
    else if (one.join("\n") === was && one.length === at - b) merged.push(...other);
    else if (other.join("\n") === was && other.length === at - b) merged.push(...one);
    else return undefined;
    if (at < lines.length) merged.push(lines[at]!);
    b = at + 1;
    i = x + 1;
    j = y + 1;
  }
  return merged.join("\n");
}
