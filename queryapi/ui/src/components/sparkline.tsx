// A line without axes, for the shape of a series beside its figure.

import type { JSX } from "preact";

export function Sparkline({ values, label }: { values: number[]; label: string }): JSX.Element {
  const most = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${(i * step).toFixed(1)},${(22 - (v / most) * 20).toFixed(1)}`).join(" ");
  return (
    <svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points} />
    </svg>
  );
}
