// Writes filters. Reading them is a larger matter, which screens load when a person types.

export const maxConditions = 20;

/** Returns the text of a condition on one value, which may be any JSON value. */
export function filterFor(field: string, value: unknown, operator: "=" | "!=" = "="): string {
  return `${field}${operator}${JSON.stringify(value)}`;
}
