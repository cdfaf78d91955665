// Tables that are looked up by a text of an address or an answer.

/** Returns the entry of a table; undefined for a name that only all objects have. */
export const known = <T>(table: Record<string, T>, name: string): T | undefined => (Object.hasOwn(table, name) ? table[name] : undefined);
