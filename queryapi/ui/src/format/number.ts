// Numbers as people read them. Figures that are compared have the same form in a column.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** Writes a figure: whole numbers in full, others with two decimals; null is a dash. */
export function figure(n: number | null | undefined): string {
  if (n === null || n === undefined) return "–";
  return Number.isInteger(n) ? whole.format(n) : decimal.format(n);
}

/** Writes a figure with three digits: 1.23K, 45M. */
export const short = (n: number): string => (Math.abs(n) < 1000 ? decimal.format(n) : compact.format(n));

/** Writes a share between 0 and 1 as a percentage; what is not zero does not look like it. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return "<0.1%";
  if (share < 1 && share > 0.9995) return ">99.9%";
  return `${(share * 100).toFixed(1)}%`;
}

/** The change from one figure to another, undefined where there is nothing to compare with. */
export function changeOf(now: number | null, before: number | null | undefined): number | undefined {
  if (now === null || before === null || before === undefined || before === 0) return undefined;
  return now / before - 1;
}

export function changeText(change: number): string {
  const size = Math.abs(change) * 100;
  const text = size >= 1000 ? `${short(size / 100 + 1)}×` : `${size.toFixed(size < 10 ? 1 : 0)}%`;
  if (text === "0.0%") return "0%";
  return (change > 0 ? "+" : "−") + text;
}

/** Counts a noun: 1 event, 2,000 events. */
export const count = (n: number, noun: string, plural = noun + "s"): string => `${whole.format(n)} ${n === 1 ? noun : plural}`;
