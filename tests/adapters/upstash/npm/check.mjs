// What the official client, and the documentation, expect of a REST API: run against the tests' own
// proxy, to show that what passes against the proxy passes against the service.
//
//   node check.mjs URL TOKEN READ_ONLY_TOKEN
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const [url, token, readOnlyToken] = process.argv.slice(2);
const options = { url, token, retry: { retries: 0 }, enableTelemetry: false };
const redis = new Redis({ ...options, enableAutoPipelining: false });
const raw = new Redis({ ...options, enableAutoPipelining: false, automaticDeserialization: false });

let checks = 0;
async function check(what, body) {
  await body();
  checks += 1;
  console.log(`ok: ${what}`);
}

async function fetchJson(path, { method = "GET", body, headers = {}, auth = true } = {}) {
  const authorization = auth ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(url + path, { method, body, headers: { ...authorization, ...headers } });
  return { status: response.status, json: await response.json(), headers: response.headers };
}

await check("set, get, del, exists", async () => {
  assert.equal(await redis.set("npm:a", "one"), "OK");
  assert.equal(await redis.get("npm:a"), "one");
  assert.equal(await redis.exists("npm:a", "npm:absent"), 1);
  assert.equal(await redis.del("npm:a", "npm:absent"), 1);
  assert.equal(await redis.get("npm:a"), null);
});

await check("set NX GET PX: what our adapter leases with", async () => {
  assert.equal(await redis.set("npm:lease", "mine", { nx: true, get: true, px: 60000 }), null);
  assert.equal(await redis.set("npm:lease", "yours", { nx: true, get: true, px: 60000 }), "mine");
  assert.ok((await redis.pttl("npm:lease")) > 50000);
  assert.equal(await redis.unlink("npm:lease"), 1);
});

await check("mset, mget with an absent key, a number, an object", async () => {
  await redis.mset({ "npm:x": "text", "npm:y": 42, "npm:z": { deep: [1, "two", null] } });
  assert.deepEqual(await redis.mget("npm:x", "npm:absent", "npm:y", "npm:z"), [
    "text", null, 42, { deep: [1, "two", null] },
  ]);
});

await check("texts of every kind come back unchanged", async () => {
  const latin1 = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
  for (const text of ["", "OK", "T0s=", "\0", "a\r\nb", '"\\', "ü€🦊", latin1, "x".repeat(100000)]) {
    assert.equal(await raw.set("npm:text", text), "OK");
    assert.equal(await raw.get("npm:text"), text);
  }
});

await check("every byte has one code point, as our adapter stores it", async () => {
  const latin1 = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
  await raw.set("npm:bytes", latin1);
  assert.equal(await raw.strlen("npm:bytes"), 128 + 128 * 2);
  const answer = await fetchJson("/get/npm:bytes", { headers: { "Upstash-Encoding": "base64" } });
  assert.equal(Buffer.from(answer.json.result, "base64").toString("utf8"), latin1);
});

await check("eval with keys and arguments, evalsha, script load", async () => {
  const script = "redis.call('SET',KEYS[1],ARGV[1]) return {redis.call('GET',KEYS[1]),false,7}";
  assert.deepEqual(await redis.eval(script, ["npm:script"], ["set by it"]), ["set by it", null, 7]);
  const sha = await redis.scriptLoad("return tonumber(ARGV[1])");
  assert.equal(await redis.evalsha(sha, [], ["5"]), 5);
});

await check("ping, echo, incr, expiry, a hash, a nested answer", async () => {
  assert.equal(await redis.ping(), "PONG");
  assert.equal(await redis.echo("hello"), "hello");
  assert.equal(await redis.incrby("npm:counter", 5), 5);
  assert.equal(await redis.expire("npm:counter", 100), 1);
  assert.equal(await redis.hset("npm:hash", { field: "value", other: 1 }), 2);
  assert.deepEqual(await redis.hgetall("npm:hash"), { field: "value", other: 1 });
  const [cursor, keys] = await redis.scan(0, { match: "npm:hash", count: 10000 });
  assert.equal(String(cursor), "0");
  assert.deepEqual(keys, ["npm:hash"]);
});

await check("pipeline: answers in order, an error among them", async () => {
  const pipeline = redis.pipeline();
  pipeline.set("npm:p", "v");
  pipeline.get("npm:p");
  pipeline.lpush("npm:p", "not a list");
  pipeline.get("npm:absent");
  const results = await pipeline.exec({ keepErrors: true });
  assert.equal(results.length, 4);
  assert.equal(results[0].result, "OK");
  assert.equal(results[1].result, "v");
  assert.match(results[2].error, /^WRONGTYPE/);
  assert.equal(results[3].result, null);
});

await check("automatic pipelining makes one request of many calls", async () => {
  const many = new Redis(options);
  const texts = await Promise.all(["npm:x", "npm:p", "npm:absent"].map((key) => many.get(key)));
  assert.deepEqual(texts, ["text", "v", null]);
});

await check("multi-exec, and one that is discarded", async () => {
  const results = await redis.multi().set("npm:m", "1").incr("npm:m").get("npm:m").exec();
  assert.deepEqual(results, ["OK", 2, 2]);
  const bad = await fetchJson("/multi-exec", {
    method: "POST", body: JSON.stringify([["SET", "npm:m", "9"], ["NOSUCHCOMMAND"]]),
  });
  assert.equal(bad.status, 400);
  assert.match(bad.json.error, /^ERR/);
  assert.equal(await redis.get("npm:m"), 2);
});

await check("an error of a single command rejects", async () => {
  await assert.rejects(redis.lpush("npm:p", "x"), /WRONGTYPE/);
  await assert.rejects(redis.eval("return redis.error_reply('OOM no memory')", [], []), /OOM/);
  await assert.rejects(redis.evalsha("0".repeat(40), [], []), /NOSCRIPT/);
});

await check("an error of a single command is a 400, one of a pipeline is not", async () => {
  const single = await fetchJson("/lpush/npm:p/x");
  assert.equal(single.status, 400);
  assert.match(single.json.error, /^WRONGTYPE/);
  const body = JSON.stringify([["LPUSH", "npm:p", "x"], ["PING"]]);
  const piped = await fetchJson("/pipeline", { method: "POST", body });
  assert.equal(piped.status, 200);
  assert.match(piped.json[0].error, /^WRONGTYPE/);
  assert.deepEqual(piped.json[1], { result: "PONG" });
});

await check("a wrong and a missing token are refused, a read-only one may only read", async () => {
  const stranger = new Redis({ ...options, token: "wrong", enableAutoPipelining: false });
  await assert.rejects(stranger.get("npm:x"), /WRONGPASS/);
  assert.equal((await fetchJson("/get/npm:x", { auth: false })).status, 401);
  const reader = new Redis({ ...options, token: readOnlyToken, enableAutoPipelining: false });
  assert.equal(await reader.get("npm:x"), "text");
  await assert.rejects(reader.set("npm:x", "changed"), /NOPERM/);
});

await check("commands in the path, in the body, with the token in the query", async () => {
  assert.deepEqual((await fetchJson("/set/npm:path/a%2Fb/EX/100")).json, { result: "OK" });
  assert.deepEqual((await fetchJson("/get/npm:path")).json, { result: "a/b" });
  const posted = await fetchJson("/set/npm:path?EX=100", { method: "POST", body: "posted" });
  assert.deepEqual(posted.json, { result: "OK" });
  const query = await fetchJson(`/get/npm:path?_token=${token}`, { auth: false });
  assert.deepEqual(query.json, { result: "posted" });
});

await check("base64 is for texts alone, and only when asked for", async () => {
  const headers = { "Upstash-Encoding": "base64" };
  assert.deepEqual((await fetchJson("/set/npm:b/bar", { headers })).json, { result: "OK" });
  assert.deepEqual((await fetchJson("/get/npm:b", { headers })).json, { result: "YmFy" });
  assert.deepEqual((await fetchJson("/get/npm:b")).json, { result: "bar" });
  assert.deepEqual((await fetchJson("/strlen/npm:b", { headers })).json, { result: 3 });
});

await check("each answer has a sync token, which the client sends back", async () => {
  const first = await fetchJson("/get/npm:x");
  assert.ok(first.headers.get("upstash-sync-token"));
  const client = new Redis({ ...options, enableAutoPipelining: false, readYourWrites: true });
  await client.set("npm:s", "1");
  await client.get("npm:s");
});

// The first `count` of what a subscriber is told.
function heard(subscriber, type, count) {
  return new Promise((resolve, reject) => {
    const all = [];
    subscriber.on("error", reject);
    subscriber.on(type, (told) => {
      all.push(told);
      if (all.length === count) resolve(all);
    });
  });
}

await check("subscribe, publish, and messages as they were sent", async () => {
  const texts = ['{"a": [1, "two", null]}', "with, commas", "ü€🦊"];
  const subscriber = raw.subscribe("npm:channel");
  assert.deepEqual(await heard(subscriber, "subscribe", 1), [1]);
  const messages = heard(subscriber, "message", texts.length);
  for (const text of texts) assert.equal(await raw.publish("npm:channel", text), 1);
  assert.deepEqual((await messages).map(({ message }) => message), texts);
  await subscriber.unsubscribe();
});

await check("objects are parsed, and several channels are a stream each", async () => {
  const subscriber = redis.subscribe(["npm:one", "npm:two"]);
  await heard(subscriber, "subscribe", 2);
  const one = heard(subscriber, "message:npm:one", 1);
  const two = heard(subscriber, "message:npm:two", 1);
  assert.equal(await redis.publish("npm:one", { deep: [1] }), 1);
  assert.equal(await redis.publish("npm:two", "text"), 1);
  assert.deepEqual(await one, [{ channel: "npm:one", message: { deep: [1] } }]);
  assert.deepEqual(await two, [{ channel: "npm:two", message: "text" }]);
  await subscriber.unsubscribe();
});

await check("psubscribe, as our adapter listens", async () => {
  const subscriber = redis.psubscribe("npm:events:*");
  await heard(subscriber, "psubscribe", 1);
  const messages = heard(subscriber, "pmessage", 1);
  assert.equal(await redis.publish("npm:events:order:1", { event: "shipped" }), 1);
  assert.deepEqual(await messages, [
    { pattern: "npm:events:*", channel: "npm:events:order:1", message: { event: "shipped" } },
  ]);
  await subscriber.unsubscribe();
});

await check("publish in the path, and a wrong token subscribes to nothing", async () => {
  assert.deepEqual((await fetchJson("/publish/npm:nobody/text")).json, { result: 0 });
  const refused = await fetchJson("/subscribe/npm:channel", { method: "POST", auth: false });
  assert.equal(refused.status, 401);
});

console.log(`${checks} checks passed`);
