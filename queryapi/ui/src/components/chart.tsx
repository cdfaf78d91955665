// A chart of figures over time, by uPlot. The table of its panel has the same figures.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Interval } from "../api/types.ts";
import { figure, short } from "../format/number.ts";
import { intervalLabel, tickLabel } from "../format/time.ts";
import { themeName } from "../state/theme.ts";
import { visibleText } from "./value.tsx";

export interface ChartSeries {
  label: string;
  values: (number | null)[];
  /** The custom property of its colour. */
  color: string;
  dashed?: boolean;
  filled?: boolean;
}

export interface ChartProps {
  label: string;
  /** The starts of the intervals, as the API writes them. */
  intervals: string[];
  interval: Interval;
  zone: string;
  series: ChartSeries[];
  /** Says that the range cuts the first or last interval, whose figure is incomplete. */
  partial: { first: boolean; last: boolean };
  height?: number;
  /** Bars in place of lines: counts of intervals that stand for themselves. */
  bars?: boolean;
  /** A range was brushed, in milliseconds: from the start of one interval to the end of another. */
  onSelect?: (from: number, to: number) => void;
}

export function Chart(props: ChartProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const newest = useRef(props);
  newest.current = props;
  const theme = themeName.value;
  const times = props.intervals.map((t) => Date.parse(t) / 1000);
  const shape = JSON.stringify([props.series.map((s) => [s.label, s.color, s.dashed, s.filled]), props.interval, props.zone, props.bars, props.height, theme]);

  useEffect(() => {
    const host = root.current!;
    const u = new uPlot(options(newest, host), [[], ...props.series.map(() => [])], host);
    plot.current = u;
    const observer = new ResizeObserver(() => u.setSize({ width: host.clientWidth, height: newest.current.height ?? 220 }));
    observer.observe(host);
    return () => {
      observer.disconnect();
      u.destroy();
      plot.current = undefined;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData([times, ...props.series.map((s) => s.values)]);
  }, [shape, JSON.stringify([props.intervals, props.series.map((s) => s.values)])]);

  const onKeyDown = (e: KeyboardEvent): void => {
    const u = plot.current;
    const shown = u?.cursor.idx;
    if (e.key === "Enter" && typeof shown === "number") props.onSelect?.(times[shown]! * 1000, intervalEnd(times, shown) * 1000);
    if (!u || (e.key !== "ArrowLeft" && e.key !== "ArrowRight")) return;
    e.preventDefault();
    const at = Math.min(times.length - 1, Math.max(0, (shown ?? (e.key === "ArrowRight" ? -1 : times.length)) + (e.key === "ArrowRight" ? 1 : -1)));
    u.setCursor({ left: u.valToPos(times[at]!, "x"), top: u.over.clientHeight / 2 });
  };
  return (
    <div
      class="chart"
      ref={root}
      style={{ height: `${props.height ?? 220}px` }}
      tabIndex={0}
      role="img"
      aria-label={`${props.label}. The arrow keys show single figures${props.onSelect ? ", Enter chooses the interval" : ""}; the table of the panel has all of them.`}
      onKeyDown={onKeyDown}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
    />
  );
}

/** The end of an interval: the start of the next one, or as long as the one before. */
function intervalEnd(times: number[], i: number): number {
  if (i + 1 < times.length) return times[i + 1]!;
  return times[i]! + (i > 0 ? times[i]! - times[i - 1]! : 3600);
}

function options(props: { current: ChartProps }, host: HTMLElement): uPlot.Options {
  const { series, bars, height = 220, interval, zone } = props.current;
  const style = getComputedStyle(host);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.fontFamily}`;
  return {
    width: host.clientWidth,
    height,
    padding: [8, 20, 0, 0], // half a label of the last interval
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7, width: 2 },
      drag: { x: props.current.onSelect !== undefined, y: false, setScale: false },
    },
    scales: {
      x: { time: true, range: (_u, min, max) => xRange(props.current, min, max) },
      y: { range: (_u, _min, max) => [0, Math.max(1, max) * 1.08] },
    },
    axes: [
      {
        stroke: color("--muted"), font, size: 28, gap: 6, space: 76,
        grid: { show: false }, ticks: { show: false },
        values: (_u, splits) => splits.map((s) => tickLabel(s * 1000, interval, zone)),
        splits: (u, _axis, min, max) => ticks(u.data[0] as number[], min, max, u.width),
      },
      {
        stroke: color("--muted"), font, gap: 8, size: 44, space: 44,
        grid: { stroke: color("--line"), width: 1 }, ticks: { show: false },
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9],
        values: (_u, splits) => splits.map((v) => (v < 0 ? "" : short(v))),
      },
    ],
    series: [{}, ...series.map((s) => drawn(s, bars === true, color))],
    hooks: {
      drawClear: [(u) => hatchPartial(u, props.current, color("--hatch"))],
      setCursor: [(u) => showTip(u, props.current, host)],
      setSelect: [
        (u) => {
          const times = u.data[0] as number[];
          if (u.select.width < 4 || times.length === 0) return;
          const first = u.posToIdx(u.select.left);
          const last = u.posToIdx(u.select.left + u.select.width);
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          props.current.onSelect?.(times[first]! * 1000, intervalEnd(times, last) * 1000);
        },
      ],
    },
  };
}

function drawn(s: ChartSeries, bars: boolean, color: (name: string) => string): uPlot.Series {
  const stroke = color(s.color);
  const one: uPlot.Series = { label: s.label, stroke, width: s.dashed ? 1.5 : 2, points: { show: false }, spanGaps: false };
  if (s.dashed) one.dash = [4, 4];
  if (s.filled) one.fill = stroke + "1f";
  if (bars) {
    one.paths = uPlot.paths.bars!({ size: [0.82, 40], align: 1 });
    one.fill = stroke + "cc";
    one.width = 0;
  }
  return one;
}

/** A line of one point would have no width; bars need the room of the last interval. */
function xRange(props: ChartProps, min: number, max: number): [number, number] {
  const times = props.intervals.map((t) => Date.parse(t) / 1000);
  if (times.length === 0) return [min, max];
  const end = intervalEnd(times, times.length - 1);
  if (props.bars) return [times[0]!, end];
  return times.length === 1 ? [times[0]! - 1800, end] : [min, max];
}

/** Ticks lie on intervals, as many as have room. */
function ticks(times: number[], min: number, max: number, width: number): number[] {
  const shown = times.filter((t) => t >= min && t <= max);
  const step = Math.max(1, Math.ceil(shown.length / Math.max(2, Math.floor(width / 90))));
  return shown.filter((_, i) => i % step === 0);
}

/** Hatches the intervals whose figures are incomplete. */
function hatchPartial(u: uPlot, props: ChartProps, stroke: string): void {
  const times = u.data[0] as number[];
  if (times.length === 0) return;
  const { ctx, bbox } = u;
  const band = (from: number, to: number): void => {
    const left = Math.max(bbox.left, u.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(to, "x", true));
    if (right - left < 1) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = devicePixelRatio;
    for (let x = left - bbox.height; x < right; x += 7 * devicePixelRatio) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
      ctx.stroke();
    }
    ctx.restore();
  };
  const last = times.length - 1;
  if (props.bars) {
    if (props.partial.first) band(times[0]!, intervalEnd(times, 0));
    if (props.partial.last) band(times[last]!, intervalEnd(times, last));
    return;
  }
  if (props.partial.first && last > 0) band(times[0]!, times[1]!);
  if (props.partial.last && last > 0) band(times[last - 1]!, times[last]!);
}

/** Shows the figures of the interval under the cursor. */
function showTip(u: uPlot, props: ChartProps, host: HTMLElement): void {
  let tip = host.querySelector<HTMLElement>(".chart-tip");
  const at = u.cursor.idx;
  if (at === null || at === undefined || (u.cursor.left ?? -1) < 0) {
    tip?.remove();
    return;
  }
  if (!tip) {
    tip = document.createElement("div");
    tip.className = "chart-tip";
    tip.setAttribute("role", "status");
    host.append(tip);
  }
  const start = props.intervals[at]!;
  const incomplete = (at === 0 && props.partial.first) || (at === props.intervals.length - 1 && props.partial.last);
  const utc = props.zone === "UTC" ? "" : `UTC ${new Date(start).toISOString().slice(0, 16).replace("T", " ")}`;
  tip.replaceChildren(
    line("chart-tip-time", intervalLabel(Date.parse(start), props.interval, props.zone) + (incomplete ? " (incomplete)" : "")),
    ...props.series.map((s) => figureLine(s, at, host)),
    ...(utc ? [line("chart-tip-utc", utc)] : []),
  );
  const left = u.valToPos((u.data[0] as number[])[at]!, "x") + u.over.offsetLeft;
  const width = tip.offsetWidth;
  tip.style.left = `${Math.max(0, Math.min(host.clientWidth - width, left + (left + width + 20 > host.clientWidth ? -width - 12 : 12)))}px`;
}

function line(className: string, text: string): HTMLElement {
  const p = document.createElement("p");
  p.className = className;
  p.textContent = text;
  return p;
}

function figureLine(s: ChartSeries, at: number, host: HTMLElement): HTMLElement {
  const p = line("chart-tip-figure", "");
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = getComputedStyle(host).getPropertyValue(s.color);
  const label = document.createElement("bdi");
  label.textContent = visibleText(s.label, 40);
  const value = document.createElement("strong");
  value.textContent = figure(s.values[at]);
  p.append(swatch, label, value);
  return p;
}
