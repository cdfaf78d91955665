// A table of many rows, of which only those in sight are in the document. All rows have
// one height.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import own from "../styles/windowed.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(own);

export interface WindowedColumn<R> {
  key: string;
  title: ComponentChildren;
  /** In pixels: a column is never narrower. */
  width: number;
  numeric?: boolean;
  cell: (row: R, index: number) => ComponentChildren;
}

interface WindowedProps<R> {
  label: string;
  /** Other columns draw all rows anew: keep them while they show the same. */
  columns: WindowedColumn<R>[];
  rows: R[];
  keyOf: (row: R) => string;
  isCurrent?: (row: R) => boolean;
  classOf?: (row: R) => string;
  /** The last rows came into sight. */
  onEnd?: (() => void) | undefined;
  /** Another text shows the rows from their beginning again. */
  origin: string;
  foot?: ComponentChildren;
}

/** The height of a row in pixels, also in windowed.screen.css. */
export const rowHeight = 34;
/** How many rows are kept above and below those in sight. */
const margin = 14;

export function Windowed<R extends object>(p: WindowedProps<R>): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const onEnd = useRef(p.onEnd);
  onEnd.current = p.onEnd; // for the observer, which keeps the look of the first rendering
  const [first, setFirst] = useState(0);
  const [inSight, setInSight] = useState(16); // until it is measured: the first drawing is the slowest
  const { rows } = p;
  const drawn = useRef<Drawn<R>>({ rows: new Map(), elements: 0 }).current;

  const look = (): void => {
    const host = root.current;
    if (!host) return; // an observer may report once more after the table is gone
    // In steps, so that scrolling by a row draws nothing.
    setFirst(Math.floor(host.scrollTop / rowHeight / 6) * 6);
    setInSight(Math.ceil(host.clientHeight / rowHeight));
    if (host.scrollTop + host.clientHeight * 2 > host.scrollHeight) onEnd.current?.();
  };
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(root.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    root.current!.scrollTop = 0;
    setFirst(0);
  }, [p.origin]);

  // All rows are one stop of Tab, as they have no end; the arrow keys lead to them and within them.
  useLayoutEffect(() => root.current!.querySelectorAll<HTMLElement>("td :is(a, button):not([tabindex])").forEach((e) => (e.tabIndex = -1)));
  const onKeyDown = (e: KeyboardEvent): void => {
    const to = nextControl(root.current!, e);
    if (!to) return;
    e.preventDefault();
    to.focus();
  };

  const from = Math.max(0, Math.min(first, rows.length - inSight) - margin);
  const to = Math.min(rows.length, first + inSight + margin);
  const width = p.columns.reduce((sum, c) => sum + c.width, 0);
  return (
    <div class="windowed" ref={root} tabIndex={0} role="group" aria-label={`${p.label}. The arrow keys lead through the rows.`} onScroll={look} onKeyDown={onKeyDown}>
      <table class="table" style={{ minWidth: `${width}px` }} aria-rowcount={rows.length + 1}>
        <caption class="visually-hidden">{p.label}</caption>
        <colgroup>
          {p.columns.map((c) => <col key={c.key} style={{ width: `${c.width}px` }} />)}
        </colgroup>
        <thead>
          <tr>
            {p.columns.map((c) => (
              <th key={c.key} scope="col" class={c.numeric ? "numeric" : ""}>
                {c.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {from > 0 && <Space key="above" rows={from} columns={p.columns.length} />}
          {drawRows(p, from, to, drawn, root.current)}
          {to < rows.length && <Space key="below" rows={rows.length - to} columns={p.columns.length} />}
        </tbody>
      </table>
      {p.foot && <div class="windowed-foot">{p.foot}</div>}
    </div>
  );
}

/** The rows in the document by their keys, and how many elements they ever had. */
interface Drawn<R> {
  rows: Map<string, { element: number; row: R; columns: unknown; look: string; view: JSX.Element }>;
  elements: number;
}

/**
 * Draws the rows between two places. One that is drawn stays as it is. Another one gets the
 * element of a row that went out of sight: elements that are made and thrown away are
 * garbage, and collecting it stops scrolling.
 */
function drawRows<R extends object>(p: WindowedProps<R>, from: number, to: number, drawn: Drawn<R>, root: HTMLElement | null): JSX.Element[] {
  const rows = p.rows.slice(from, to);
  const keys = rows.map(p.keyOf);
  const kept = new Set(keys);
  // The focus goes with its row, not to another one.
  const focused = root?.querySelector("tr:focus-within")?.ariaRowIndex;
  const free = [...drawn.rows].filter(([key, { view }]) => !kept.has(key) && String(view.props["aria-rowindex"]) !== focused).map(([, { element }]) => element);
  const before = drawn.rows;
  drawn.rows = new Map();
  return rows.map((row, i) => {
    const key = keys[i]!;
    let now = before.get(key);
    const className = `${p.isCurrent?.(row) ? "current" : ""} ${p.classOf?.(row) ?? ""}`;
    const look = className + (from + i);
    if (now?.row !== row || now.columns !== p.columns || now.look !== look) {
      const element = now?.element ?? free.pop() ?? drawn.elements++;
      const view = (
        <tr key={element} aria-rowindex={from + i + 2} class={className}>
          {p.columns.map((c) => (
            <td key={c.key} class={c.numeric ? "numeric" : ""}>
              {c.cell(row, from + i)}
            </td>
          ))}
        </tr>
      );
      now = { element, row, columns: p.columns, look, view };
    }
    drawn.rows.set(key, now);
    return now.view;
  });
}

/** What an arrow key leads to: the row above or below, or the control beside; from the table itself, the first row in sight. */
function nextControl(table: HTMLElement, { key, target }: KeyboardEvent): HTMLElement | undefined {
  const controls = (row: Element | null): HTMLElement[] => [...(row?.querySelectorAll<HTMLElement>("td :is(a, button)") ?? [])];
  const row = (target as Element).closest("tbody tr");
  const own = controls(row);
  const at = own.indexOf(target as HTMLElement);
  if (key === "ArrowLeft" || key === "ArrowRight") return own[key === "ArrowLeft" ? at - 1 : at + 1];
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  if (row) {
    const beside = key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    const there = controls(beside);
    // A row that is not drawn yet is waited for: the browser would scroll, and the focus be gone with its row.
    return there[Math.min(at, there.length - 1)] ?? (beside ? (target as HTMLElement) : undefined);
  }
  const top = table.getBoundingClientRect().top + rowHeight; // below the heading
  return target === table && key === "ArrowDown" ? [...table.querySelectorAll<HTMLElement>("td:first-child :is(a, button)")].find((e) => e.getBoundingClientRect().top >= top) : undefined;
}

function Space({ rows, columns }: { rows: number; columns: number }): JSX.Element {
  return (
    <tr class="space" aria-hidden="true" style={{ height: `${rows * rowHeight}px` }}>
      <td colSpan={columns} />
    </tr>
  );
}
