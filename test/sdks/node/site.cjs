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
  // The SDK keeps the events of a request that failed, and sends them with later events or by
  // flush. It drops those of 401 and 403, unless retryStatusCodes has them.
  "node-tracker"() {
    const snowplow = install("@snowplow/node-tracker");
    let sent = 0, calls = 0;
    const common = { endpoint: address, bufferSize: 1, retryStatusCodes: [401, 403], onRequestSuccess: (events) => (sent += events.length) };
    const byHeader = snowplow.newTracker({ namespace: "ns", appId: "shop" }, { ...common, eventMethod: "post", customHeaders: { "X-Write-Key": key } });
    const byAppID = snowplow.newTracker({ namespace: "ns", appId: key, encodeBase64: false }, { ...common, eventMethod: "get" });
    const booking = { schema: "iglu:com.acme/booking/jsonschema/1-0-0", data: { price: 19.5, to: "Ä" } };
    const plan = { schema: "iglu:com.acme/plan/jsonschema/1-0-0", data: { name: "pro" } };
    const ttm = { type: "ttm", value: timestamp.getTime() };
    return async (mark) => {
      for (const [tracker, method] of [[byHeader, "post"], [byAppID, "get"]]) {
        tracker.setUserId(mark);
        tracker.setDomainUserId("d");
        tracker.track(snowplow.buildPageView({ pageUrl: "http://www.example.com/" + method, pageTitle: "t" }), [plan], ttm);
        tracker.setSessionId("e2085be5-9137-4e4e-80b5-f1ffddc25423");
        tracker.track(snowplow.buildStructEvent({ category: "cart", action: "added " + method, label: "l", value: 2.5 }));
        tracker.setSessionId("a session");
        tracker.track(snowplow.buildSelfDescribingEvent({ event: { ...booking, data: { ...booking.data, method } } }));
        tracker.setSessionId(undefined);
        calls += 3;
      }
      while (sent < calls) {
        await Promise.all([byHeader.flush(), byAppID.flush()]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
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
