// What can stand next in a filter that is being typed.

import { fieldNames } from "./field.ts";
import { symbolOperators } from "./parse.ts";

export interface Typed {
  field: string;
  /** "" until one is typed. */
  operator: string;
  value: string;
}

const typedText = /^\s*(data(?:\.(?:"(?:[^"\\]|\\.)*"?|[^\s.=!<>^*[\]"]*)|\[\])*|[\p{L}_]*)\s*(=|!=|>=|>|<=|<|\^=|\*=|in(?=[\s[])|exists\b)?\s*([^]*)$/u;

/** Takes a text apart as far as it is typed. */
export function splitTyped(text: string): Typed {
  const [, field = "", operator = "", value = ""] = typedText.exec(text) ?? [];
  return { field, operator, value };
}

const operatorNotes: Record<string, string> = {
  "=": "is", "!=": "is not", ">=": "at least", ">": "greater than", "<=": "at most", "<": "less than", "^=": "begins with", "*=": "contains",
  in: "is one of", exists: "is present", "exists false": "is absent",
};

/** The operators that may follow a field, with what they mean. */
export function operatorsFor(field: string): { text: string; note: string; final: boolean }[] {
  const time = field === "timestamp" || field === "received_at";
  const symbols = symbolOperators.filter((o) => !time || (o !== "^=" && o !== "*="));
  return [
    ...symbols.map((o) => ({ text: o as string, note: operatorNotes[o]!, final: false })),
    { text: " in [", note: operatorNotes["in"]!, final: false },
    { text: " exists", note: operatorNotes["exists"]!, final: true },
    { text: " exists false", note: operatorNotes["exists false"]!, final: true },
  ];
}

/** The fields that contain what was typed, those that begin with it first. */
export function fieldsMatching(typed: string, known: string[], most = 12): string[] {
  const wanted = typed.toLowerCase();
  const all = [...new Set([...fieldNames.filter((f) => f !== "data"), ...known])];
  const begins = all.filter((f) => f.toLowerCase().startsWith(wanted));
  const contains = all.filter((f) => !f.toLowerCase().startsWith(wanted) && f.toLowerCase().includes(wanted));
  return [...begins, ...contains].slice(0, most);
}
