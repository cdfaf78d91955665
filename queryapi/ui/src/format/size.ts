// Sizes as people read them.

const units = ["kB", "MB", "GB", "TB"];

/** Writes a number of bytes with its unit: 812 bytes, 4.2 MB. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  let n = bytes / 1000;
  let unit = 0;
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}
