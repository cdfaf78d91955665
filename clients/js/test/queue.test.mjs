import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "../dist/queue.js";

test("a queue does as an array does, whatever comes and goes", () => {
  const queue = new Queue();
  let model = [];
  let away = [];
  let [next, most] = [0, 0];
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const push = (n) => {
    for (let i = 0; i < n; i++) {
      const item = { seq: next++, bytes: 1 + random(100) };
      queue.push(item);
      model.push(item);
    }
  };
  const putBack = () => {
    queue.putBack(away);
    model = away.concat(model);
    away = [];
  };
  const take = (n) => {
    putBack();
    away = queue.take(n);
    assert.deepEqual(away, model.splice(0, n));
  };
  for (let step = 0; step < 1000; step++) {
    const kind = random(10);
    if (kind < 5) push(random(120));
    else if (kind < 8) take(Math.min(model.length, random(200)));
    else if (kind < 9) putBack();
    else if (step % 97 == 0) take(model.length); // and its ring is a new one
    else { // dropped
      assert.deepEqual(queue.take(Math.min(model.length, 30)), model.splice(0, 30));
    }
    most = Math.max(most, model.length);
    assert.equal(queue.length, model.length);
    assert.equal(queue.bytes, model.reduce((sum, item) => sum + item.bytes, 0));
    for (const i of [0, 1, model.length - 1, model.length]) if (i >= 0) assert.equal(queue.at(i), model[i]);
  }
  assert.ok(most > 4 * 256, "the ring has grown");
  assert.deepEqual(queue.take(model.length), model);
});
