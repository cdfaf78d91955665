// Icons, drawn on a grid of 20. They are decoration: the text beside them names things.

import type { JSX } from "preact";

const shapes = {
  eye: "M1.500 10S4.500 4 10 4s8.500 6 8.500 6-3 6-8.500 6-8.500-6-8.500-6zM10 12.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  overview: "M3 3h6v6H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 11h6v6H3z",
  explorer: "M3 5h14M3 10h14M3 15h9",
  sessions: "M3 6h5M3 14h9M10 6h7M14 14h3M8 4v4M12 12v4",
  types: "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM13.500 11v5M11 13.500h5",
  trends: "M3 15l4-5 3 3 7-8M13 5h4v4",
  funnel: "M3 4h14l-5.500 6.500V16l-3-1.500v-4z",
  retention: "M3 4h14v3H3zM3 8.500h10v3H3zM3 13h6v3H3z",
  paths: "M3 5h4c4 0 4 10 10 10M3 15h4c4 0 4-10 10-10",
  live: "M10 10h.01M6.500 13.500a5 5 0 0 1 0-7M13.500 6.500a5 5 0 0 1 0 7M4 16a8.500 8.500 0 0 1 0-12M16 4a8.500 8.500 0 0 1 0 12",
  export: "M10 3v9M6.500 8.500L10 12l3.500-3.500M3 13v4h14v-4",
  rejected: "M10 2.500l8 14.500H2zM10 8v4M10 14.500v.01",
  status: "M2 10h4l2-5 4 10 2-5h4",
  schemas: "M7 3H5.500a1.500 1.500 0 0 0-1.500 1.500v3.500L2.500 10 4 12v3.500A1.500 1.500 0 0 0 5.500 17H7M13 3h1.500A1.500 1.500 0 0 1 16 4.500v3.500l1.500 2-1.500 2v3.500a1.500 1.500 0 0 1-1.500 1.500H13",
  replays: "M4 10a6 6 0 1 0 2-4.500M4 3.500v3h3M10 7v3.500l2.500 1.500",
  audits: "M5 3h10v14H5zM7.500 10l2 2 3.500-4",
  access: "M12.500 11a4 4 0 1 0-3.800-2.800L3 14v3h3v-2h2v-2h1.500l1.200-1.200M13.500 6.500h.01",
  policy: "M10 2.500l6.500 2.500v5c0 4-3 6.500-6.500 7.500-3.500-1-6.500-3.500-6.500-7.500v-5z",
  changes: "M10 3v14M5 6l-3 4 3 4M15 6l3 4-3 4",
  playground: "M7 3h6M8 3v5l-4.500 8h13L12 8V3M6 13h8",
  menu: "M3 5h14M3 10h14M3 15h14",
  more: "M4.500 10h.01M10 10h.01M15.500 10h.01",
  close: "M5 5l10 10M15 5L5 15",
  down: "M5 7.500l5 5 5-5",
  left: "M12.500 5l-5 5 5 5",
  right: "M7.500 5l5 5-5 5",
  refresh: "M16 6.500A7 7 0 1 0 17 10M16.500 3v4h-4",
  table: "M3 4h14v12H3zM3 8h14M8 8v8",
  chart: "M4 16V9M10 16V4M16 16v-5",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600L16 16M4 16l1.400-1.400M14.600 5.400L16 4",
  moon: "M16.500 11.500A7 7 0 0 1 8.500 3.500a7 7 0 1 0 8 8z",
  system: "M3 4h14v9H3zM7 16.500h6M10 13v3.500",
  pin: "M10 12v5M6 12h8l-1.500-3V4h1V3h-7v1h1v5z",
  plus: "M10 4v12M4 10h12",
  copy: "M7 7h9v9H7zM13 7V4H4v9h3",
  out: "M8 4H4v12h4M12 6.500L15.500 10 12 13.500M7 10h8.500",
  pause: "M7 4v12M13 4v12",
  play: "M6 4l10 6-10 6z",
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  );
}
