// The answers of the API that the screens read; /openapi.json describes them in full.

export interface StatsRange {
  from: string;
  to: string;
  tz: string;
  as_of: string;
}

export interface Group {
  group?: unknown;
  category?: string;
  name?: string;
  missing?: boolean;
  other?: boolean;
  groups?: number;
}

export interface SeriesValues {
  total: number | null;
  values: (number | null)[];
}

export type Interval = "minute" | "hour" | "day" | "week" | "month";

export interface Timeseries extends StatsRange {
  interval: Interval;
  metric: string;
  field?: string;
  group_by?: string;
  intervals: string[];
  partial: { first: boolean; last: boolean };
  series?: (Group & SeriesValues)[];
  total: SeriesValues;
  previous?: SeriesValues;
}

export interface TopValue {
  value: unknown;
  category?: string;
  name?: string;
  count: number;
  share: number;
}

export interface Top extends StatsRange {
  field: string;
  metric: string;
  total: number;
  missing: number;
  distinct: number;
  values: TopValue[];
  other?: { count: number; distinct: number };
}

export interface TypeSummary {
  category?: string;
  name?: string;
  registered: boolean;
  schema_version?: number;
  stored: number;
  rejected: number;
  share_rejected: number;
  first_seen?: string;
  last_seen?: string;
  series: number[];
}

export interface TypeList {
  from: string;
  to: string;
  as_of: string;
  types: TypeSummary[];
  truncated?: boolean;
}

export interface FieldFacts {
  path: string;
  types: Record<string, number>;
  present: number;
  share: number;
  distinct: number;
  distinct_exact: boolean;
  min?: unknown;
  max?: unknown;
  samples: unknown[];
  in_schema: boolean | null;
  required: boolean | null;
}

export interface FieldList extends StatsRange {
  events: number;
  fields: FieldFacts[];
  truncated: boolean;
}

export interface Batch {
  as_of: string;
  results: { id: string; status: number; answer: unknown }[];
}

export interface Fault {
  code: string;
  path?: string;
  message: string;
}

export interface EyeEvent {
  event_id: string;
  application: string;
  session_id?: string;
  category?: string;
  name?: string;
  data?: unknown;
  timestamp?: string;
  received_at: string;
  status: "stored" | "rejected" | "pending";
  schema_version?: number;
  errors?: Fault[];
  original?: string;
  original_encoding?: string;
  gap_seconds?: number | null;
}

export interface EventPage {
  events: EyeEvent[];
  next_cursor: string | null;
}

export interface EventSummary {
  event_id: string;
  application: string;
  category: string;
  name: string;
  timestamp: string;
}

export interface Timeline extends EventPage {
  session_id: string;
  first: string;
  last: string;
  duration_ms: number;
  count: number;
  entry: EventSummary | null;
  exit: EventSummary | null;
}

export interface SessionSummary {
  session_id: string;
  application: string;
  first: string;
  last: string;
  duration_ms: number;
  count: number;
  entry: { category: string; name: string };
  exit: { category: string; name: string };
  types: { category: string; name: string; count: number }[];
  matched: number;
}

export interface SessionPage {
  sessions: SessionSummary[];
  next_cursor: string | null;
  as_of: string;
}

export interface FunnelStep {
  label: string;
  count: number;
  of_first: number;
  of_previous: number;
  dropped: number;
  seconds: { p50: number; p90: number } | null;
}

export interface Funnel extends StatsRange {
  by: string;
  entered: number;
  completed: number;
  steps: FunnelStep[];
  groups?: (Group & { steps: FunnelStep[] })[];
}

export interface Retention extends StatsRange {
  by: string;
  interval: Interval;
  cohorts: { start: string; size: number; returned: number[]; complete: boolean[] }[];
  average: (number | null)[];
  note?: string;
}

export interface PathNode {
  id: number;
  step: number;
  value?: unknown;
  category?: string;
  name?: string;
  ended?: boolean;
  other?: boolean;
  /** How many values a node of other values has. */
  values?: number;
  missing?: boolean;
  sessions: number;
}

export interface PathLink {
  from: number;
  to: number;
  sessions: number;
}

export interface Paths extends StatsRange {
  direction: "forward" | "backward";
  value: string;
  sessions: number;
  nodes: PathNode[];
  links: PathLink[];
}
