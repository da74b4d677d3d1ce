// Plays an Alloy with somebody else's Connect client, in every form that Alloys of different versions use, and prints
// what it saw as one JSON document. `node alloy.mjs URL TOKEN ID`
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { CollectorService, Status } from "./collector.mjs";

const [url, token, id] = process.argv.slice(2);
const localAttributes = { "collector.version": "v1.18.0", "collector.os": "linux", env: "test" };

function client(baseUrl, bearer, useBinaryFormat, useHttpGet) {
  const authorize = (next) => (request) => {
    request.header.set("Authorization", `Bearer ${bearer}`);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl, httpVersion: "1.1", useBinaryFormat, useHttpGet, interceptors: [authorize],
  });
  return createClient(CollectorService, transport);
}

/** A start, then a poll that hears that nothing changed. */
async function play(baseUrl, useBinaryFormat, useHttpGet) {
  const alloy = client(baseUrl, token, useBinaryFormat, useHttpGet);
  await alloy.registerCollector({ id, name: "node", localAttributes });
  let hash = "";
  let content = "";
  // Additions are published before removals, so a start may take more than one document.
  for (let step = 0; step < 5; step += 1) {
    const served = await alloy.getConfig({ id, hash, localAttributes, remoteConfigStatus: { status: Status.UNSET } });
    if (served.notModified) break;
    ({ hash, content } = served);
    const effective = { configMap: { configMap: { "": { body: Buffer.from(content), contentType: "text/plain" } } } };
    await alloy.getConfig({
      id, hash, localAttributes, remoteConfigStatus: { status: Status.APPLIED }, effectiveConfig: effective,
    });
  }
  await alloy.registerCollector({ id, name: "node", localAttributes });
  const unchanged = await alloy.getConfig({ id, hash, localAttributes });
  return {
    format: useBinaryFormat ? "protobuf" : "json",
    method: useHttpGet ? "GET" : "POST",
    content, hash,
    notModified: unchanged.notModified,
    contentWhenUnchanged: unchanged.content,
  };
}

/** The code and the words with which a call is refused. */
async function refused(call) {
  try {
    await call;
    return { code: "none" };
  } catch (error) {
    const known = ConnectError.from(error);
    return { code: Code[known.code], message: known.rawMessage };
  }
}

const prefixed = `${url}/api/v1/remotecfg`;
const plays = [];
for (const binary of [true, false]) {
  for (const get of [false, true]) plays.push(await play(prefixed, binary, get));
}
plays.push({ ...(await play(url, true, false)), prefix: "none" });

const stranger = client(prefixed, "lmct_nobody", true, false);
const failing = client(prefixed, token, true, false);
const refusals = {
  stranger: await refused(stranger.getConfig({ id })),
  strangersRegister: await refused(stranger.registerCollector({ id })),
  noId: await refused(failing.getConfig({})),
};
// What an Alloy says when it cannot load what it was served.
const hash = plays[0].hash;
await failing.getConfig({
  id, hash, localAttributes,
  remoteConfigStatus: { status: Status.FAILED, errorMessage: "26:4: unrecognized attribute name \"nope\"" },
});
console.log(JSON.stringify({ plays, refusals }));
