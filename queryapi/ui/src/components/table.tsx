// Tables of figures: every chart has one, with the same content as its CSV file.

import type { JSX } from "preact";
import { visibleText } from "./value.tsx";

export interface Column {
  name: string;
  /** Figures are aligned by their digits. */
  numeric?: boolean;
}

export interface Table {
  columns: Column[];
  rows: (string | number | null)[][];
}

export function DataTable({ table, caption, format }: { table: Table; caption: string; format: (cell: string | number | null) => string }): JSX.Element {
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label={caption}>
      <table class="table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {table.columns.map((c) => (
              <th key={c.name} scope="col" class={c.numeric ? "numeric" : ""}>
                {visibleText(c.name, 80)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j} class={table.columns[j]?.numeric ? "numeric" : ""}>
                  {typeof cell === "string" ? visibleText(cell) : format(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Writes a table as CSV (RFC 4180). Texts that a spreadsheet would take for a formula get a leading '. */
export function csv(table: Table): string {
  const line = (cells: (string | number | null)[]): string => cells.map(csvCell).join(",") + "\r\n";
  return line(table.columns.map((c) => c.name)) + table.rows.map(line).join("");
}

function csvCell(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const safe = /^[=+\-@\t\r']/.test(cell) ? "'" + cell : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
