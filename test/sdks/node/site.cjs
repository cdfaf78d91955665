// A site with one SDK of npm: site.cjs SDK ADDRESS KEY TIME. Each line of its input is the mark
// of a round, and it answers a line once every call of the round is handed over: empty,
// or what went wrong. SDKS_NODE_MODULES is the folder of the packages.
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const { createRequire } = require("node:module");

const install = createRequire(path.join(process.env.SDKS_NODE_MODULES, "site.cjs"));
const [name, address, key, at] = process.argv.slice(2);
const timestamp = new Date(at);

// The six methods of Segment, which both SDKs have.
function sendAll(analytics, mark) {
  analytics.track({ anonymousId: mark, event: "bought", messageId: mark + "-1", timestamp, properties: { price: 19.5, sku: "Ä-1" } });
  analytics.track({ anonymousId: mark, userId: "u", event: "looked", context: { sessionId: 1669968929000 } });
  analytics.page({ anonymousId: mark, name: "pricing", properties: { path: "/pricing" } });
  analytics.screen({ anonymousId: mark, name: "home" });
  analytics.identify({ anonymousId: mark, userId: "u", traits: { plan: "pro" } });
  analytics.group({ anonymousId: mark, userId: "u", groupId: "g", traits: { seats: 5 } });
  analytics.alias({ userId: mark, previousId: "old" });
}

const sites = {
  "analytics-node"() {
    const { Analytics } = install("@segment/analytics-node");
    const analytics = new Analytics({ writeKey: key, host: address, flushInterval: 10, maxRetries: 20 });
    analytics.on("error", (err) => console.error("error", err));
    return (mark) => sendAll(analytics, mark);
  },
  // The SDK gives a batch up after retryCount attempts, 3 without a setting.
  "rudder-sdk-node"() {
    const Analytics = install("@rudderstack/rudder-sdk-node");
    const analytics = new Analytics(key, { dataPlaneUrl: address, flushInterval: 10, retryCount: 12 });
    return (mark) => sendAll(analytics, mark);
  },
  // The SDK repeats nothing. The promise of a request that found no collector is rejected; any
  // answer fulfils it, whatever its status, and only the body says what became of the event.
  // The site sends the same event again until it is accepted.
  cloudevents() {
    const { CloudEvent, Mode, emitterFor, httpTransport } = install("cloudevents");
    const transport = httpTransport(address + "/v1/cloudevents");
    const options = { headers: { Authorization: "Bearer " + key } };
    const emits = [emitterFor(transport), emitterFor(transport, { mode: Mode.STRUCTURED })];
    return async (mark) => {
      const source = "/" + mark, type = "com.example.cart.added", time = timestamp.toISOString();
      const events = [
        new CloudEvent({ source, type, time, id: "binary", subject: "s", datacontenttype: "application/json", data: { sku: "Ä-1" } }),
        new CloudEvent({ source, type, time, id: "structured", plan: "pro", sessionid: "a session", data: { count: 12 } }),
      ];
      for (const [i, event] of events.entries()) {
        for (;;) {
          const answer = await emits[i](event, options).catch((err) => console.error("rejected:", err.message));
          if (answer && JSON.parse(answer.body).accepted === 1) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    };
  },
};

(async () => {
  const send = sites[name]();
  for await (const mark of readline.createInterface({ input: process.stdin })) {
    let answer = "";
    try {
      await send(mark);
    } catch (err) {
      answer = String(err);
    }
    console.log("> " + answer);
  }
  process.exit(0);
})();
