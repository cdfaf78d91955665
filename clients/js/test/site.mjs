// A site in a process of its own: site.mjs URL SPOOL FIRST LAST enqueues the events of these
// numbers and writes each, once its enqueue has returned. Without a spool it ends as programs do
// that know of no client: without a word to it.
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../dist/node.js";
import { key, numbered } from "./server.mjs";

const [url, spool, first, last] = process.argv.slice(2);
const client = new Client({ url, writeKey: key, spool: spool || undefined, maxWait: 5, backoffMin: 5, backoffMax: 20 });
for (let n = Number(first); n < Number(last); n++) {
  if (!client.enqueue(numbered(n))) throw new Error(`event ${n} is dropped`);
  writeSync(1, n + "\n");
  if (n % 50 == 49) await sleep(1);
}
if (spool && !(await client.close(60_000))) process.exit(1);
