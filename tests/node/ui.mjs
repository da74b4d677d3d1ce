// Walks through the page as an operator would, in a real browser, and leaves screenshots. Takes one JSON argument; says
// on its output, a JSON line each, what has to happen outside of the page, and reads a line when that is done.
import { addCollector, addDestination, addPipeline, bothSignals, seeItRun, setUp } from "./ui/first.mjs";
import { addAlloy, drift, enrolled, eventsAndThroughput, failure, labels, restore, tokenAndEnd, withheld } from "./ui/collector.mjs";
import { condition, importing, picking, tryIt } from "./ui/editor.mjs";
import { brokenFile, conflict, everyPage, expiry, faults, gap, keyboard, noServer, outAndIn, questions, twoTabs } from "./ui/page.mjs";
import { browser, complaints, expect, picture } from "./ui/stage.mjs";

async function walk() {
  // Asked before anybody is signed in.
  expect("/api/v1/session");
  await setUp();
  const id = await addCollector();
  await addDestination();
  await addPipeline();
  const flow = await seeItRun(id);
  await eventsAndThroughput(id, flow);
  await bothSignals(id);
  await picking();
  await condition();
  await tryIt();
  await importing();
  await labels(id);
  await twoTabs();
  await conflict();
  await failure(id);
  await restore(id);
  await drift(id, flow);
  const edge = await enrolled();
  await withheld(edge);
  await tokenAndEnd(edge);
  await addAlloy();
  await questions();
  await keyboard();
  await faults();
  await brokenFile();
  await noServer();
  await everyPage();
  await expiry();
  await gap();
  await outAndIn();
}

// A browser that hangs has no time limit of its own.
const limit = setTimeout(() => {
  console.error("the walk does not come to its end; the last picture shows how far it got");
  process.exit(1);
}, 15 * 60_000);
limit.unref();

try {
  await walk();
  if (complaints.length > 0) throw new Error(`the browser complains:\n${complaints.join("\n")}`);
} catch (error) {
  console.error(error.stack ?? String(error));
  await picture("ended-here").catch(() => {});
  process.exitCode = 1;
} finally {
  await browser.close();
  process.stdin.destroy();
}
