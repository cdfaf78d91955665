// The screens of questions about many events, as one file: they share most of it.

export { Export } from "./export.tsx";
export { FunnelScreen } from "./funnel.tsx";
export { PathsScreen } from "./paths.tsx";
export { RetentionScreen } from "./retention.tsx";
export { Trends } from "./trends.tsx";
