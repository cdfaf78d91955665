// A site with the JavaScript client, which node_test.go starts.
//
//     site.mjs URL KEY SESSION   does what the lines of its input say: "enqueue FIRST LAST", "stats"
//                                or "close", and answers each with a line of JSON
//     site.mjs                   does as runSite of role_test.go, with the same environment
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Client } from "../../clients/js/dist/node.js";

/** Enqueues the event of a number. */
function enqueue(client, session, n) {
  const event = { session_id: session, category: "page interaction", name: "pageview", data: { host: "www.example.com", path: "/" + n } };
  if (!client.enqueue(event)) throw new Error(`event ${n} is dropped`);
}

async function obey(url, writeKey, session) {
  const client = new Client({
    url, writeKey, batchEvents: 40, maxWait: 1, backoffMin: 1, backoffMax: 20, retryAfterMax: 20, requestTimeout: 2000,
  });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, first, last] = line.split(" ");
    if (command == "enqueue") for (let n = Number(first); n < Number(last); n++) enqueue(client, session, n);
    if (command == "close" && !(await client.close(240_000))) throw new Error("events are left");
    const { accepted, failedRequests } = client.stats();
    console.log(JSON.stringify({ accepted, failed_requests: failedRequests }));
  }
  await client.close(0);
}

async function sendForEver(env) {
  const client = new Client({
    url: env.CLIENTS_URL, writeKey: env.CLIENTS_KEY, spool: env.CLIENTS_SPOOL, batchEvents: 50, maxWait: 5, backoffMin: 5, backoffMax: 50,
  });
  const last = env.CLIENTS_LAST ? Number(env.CLIENTS_LAST) : Infinity;
  for (let n = Number(env.CLIENTS_FIRST); n < last; n++) {
    enqueue(client, env.CLIENTS_SESSION, n);
    appendFileSync(env.CLIENTS_RETURNED, n + "\n");
    if (n % 100 == 99) await client.flush(100); // not far ahead of what can be sent
  }
  if (!(await client.close(240_000))) throw new Error("events are left");
}

if (process.argv[2]) await obey(...process.argv.slice(2));
else await sendForEver(process.env);
