// Places the nodes and links of paths: a column a step, heights by sessions.

import type { Paths, PathNode } from "../api/types.ts";

export interface PlacedNode {
  node: PathNode;
  left: number;
  top: number;
  height: number;
}

export interface PlacedLink {
  sessions: number;
  from: number;
  to: number;
  /** The curve along the middle of the link, for an SVG path. */
  d: string;
  width: number;
}

export interface Layout {
  nodes: PlacedNode[];
  links: PlacedLink[];
  width: number;
  height: number;
}

export const nodeWidth = 176;
const columnWidth = 268;
const leastHeight = 28;
const between = 8;
/** The room of all sessions in the fullest column, in pixels. */
const room = 300;

/** Lays paths out. Those that lead to an event have it in the last column. */
export function layoutPaths(p: Pick<Paths, "direction" | "nodes" | "links">): Layout {
  const steps = Math.max(0, ...p.nodes.map((n) => n.step));
  const most = Math.max(1, ...p.nodes.map((n) => n.step).map((step) => p.nodes.filter((n) => n.step === step).reduce((sum, n) => sum + n.sessions, 0)));
  const scale = room / most;
  const placed = new Map<number, PlacedNode>();
  let height = 0;
  for (let step = 0; step <= steps; step++) {
    let top = 0;
    for (const node of p.nodes.filter((n) => n.step === step)) {
      const size = Math.max(leastHeight, node.sessions * scale);
      const column = p.direction === "backward" ? steps - step : step;
      placed.set(node.id, { node, left: column * columnWidth, top, height: size });
      top += size + between;
    }
    height = Math.max(height, top - between);
  }
  // Links leave and reach a node one below the other, each as wide as its sessions.
  const used = new Map<string, number>();
  const take = (side: "out" | "in", n: PlacedNode, sessions: number): number => {
    const key = `${side}${n.node.id}`;
    const before = used.get(key) ?? 0;
    used.set(key, before + sessions);
    return n.top + ((before + sessions / 2) / Math.max(1, n.node.sessions)) * n.height;
  };
  const top = (id: number): number => placed.get(id)?.top ?? 0;
  const inOrder = [...p.links].sort((x, y) => top(x.from) - top(y.from) || top(x.to) - top(y.to));
  const links = inOrder.flatMap((link): PlacedLink[] => {
    const from = placed.get(link.from);
    const to = placed.get(link.to);
    if (!from || !to) return [];
    const [left, right] = from.left < to.left ? [from, to] : [to, from];
    const y1 = take(left === from ? "out" : "in", left, link.sessions);
    const y2 = take(right === to ? "in" : "out", right, link.sessions);
    const x1 = left.left + nodeWidth;
    const x2 = right.left;
    const middle = (x1 + x2) / 2;
    return [{ sessions: link.sessions, from: link.from, to: link.to, d: `M${x1} ${round(y1)}C${middle} ${round(y1)} ${middle} ${round(y2)} ${x2} ${round(y2)}`, width: Math.max(1.5, link.sessions * scale) }];
  });
  return { nodes: [...placed.values()], links, width: steps * columnWidth + nodeWidth, height: Math.max(leastHeight, height) };
}

const round = (n: number): number => Math.round(n * 10) / 10;
