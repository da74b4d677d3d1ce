// What an operator does with a collector, and what its page shows when things are not well.
import { addRow, api, ask, button, expect, go, instead, meanwhile, openTab, page, part, picture, save, show, state, task, until } from "./stage.mjs";

/** Restarts it by the page. */
async function restart(name) {
  await button("Restart").click();
  await page.getByRole("heading", { name: "Restart this collector?" }).waitFor();
  if (name) await picture(name);
  await part("confirm").click();
  await page.getByText("Asked to restart.").first().waitFor();
}

/** Events, and the collector's own count: it pushes when it stops. */
export async function eventsAndThroughput(id, flow) {
  await openTab("Events");
  await part("events").getByText("is applied").first().waitFor();
  await picture("collector-events");
  await restart("collector-restart");
  await until(`/collectors/${id}/throughput`, (data) => data.pipelines.length > 0);
  await openTab("Throughput");
  const rows = part("throughput").getByRole("row").filter({ hasText: "Shop logs" });
  await rows.first().waitFor();
  // A rate needs two pushes, a second or more apart; the later one is heard by the feed.
  await until(`/collectors/${id}/throughput`, (data) => data.age_s > 1.5);
  await ask({ do: "records", ...flow });
  await restart();
  for (const place of ["in", "out"]) {
    await rows.filter({ has: page.getByRole("cell", { name: place, exact: true }) }).getByText("/s").waitFor();
  }
  await picture("collector-throughput");

  // Who loads the page need not wait for the next push: the feed stays silent here.
  const honest = await instead("/events", () => {});
  await go("/", "overview");
  await part("tile-flow").getByText("/s").waitFor();
  await picture("overview-rates");
  await go("/pipelines", "pipelines");
  await part("pipeline-row").getByText("/s").waitFor();
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline").getByText("of 1 collector").waitFor();
  // What each step lets pass stands on its card.
  await part("step-rate").filter({ hasText: "/s pass" }).first().waitFor();
  await picture("pipeline-rates");
  await honest();
}

/** The operator's labels are edited, those of enrolment are only shown; two who edit at once both see it. */
export async function labels(id) {
  await go(`/collectors/${id}`, "collector");
  await openTab("Attributes and labels");
  await page.getByLabel("Name", { exact: true }).fill("web one");
  await meanwhile("PATCH", `/collectors/${id}`, () => ({ labels: { env: "prod", team: "shop" } }));
  await page.getByText("Somebody else saved this collector meanwhile.").waitFor();
  await picture("collector-labels-meanwhile");
  await button("Discard").click();
  await page.getByLabel("Label name").nth(1).waitFor();

  // Saved all the same, it is refused and shows both.
  await page.getByLabel("Name", { exact: true }).fill("web two");
  await page.getByLabel("Label value").last().fill("mine");
  await meanwhile("PATCH", `/collectors/${id}`, () => ({ labels: { env: "prod", team: "theirs" } }));
  await part("save").click();
  expect("status of 412");
  await part("save-confirm").click();
  await part("conflict").waitFor();
  await picture("collector-labels-conflict");
  await part("conflict-continue").click();
  await part("save-confirm").click();
  await part("review").waitFor({ state: "detached" });
  const { body } = await api("GET", `/collectors/${id}`);
  if (body.name !== "web two" || body.operator_labels.team !== "mine") throw new Error(`saved as ${JSON.stringify(body)}`);
  await picture("collector-labels");
}

/** A host that came with an enrolment token. */
export async function enrolled() {
  const { body: made } = await api("POST", "/enrollment-tokens", { labels: { site: "fra", env: "prod" }, runtime: "alloy" });
  const answer = await page.evaluate(async (token) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ runtime: "alloy", name: "edge-7", attributes: { "host.name": "edge-7.fra" } });
    return (await fetch("/api/v1/enrol", { method: "POST", headers, body, credentials: "omit" })).json();
  }, made.token);
  const id = answer.collector_id;
  await go(`/collectors/${id}`, "collector");
  await openTab("Attributes and labels");
  await part("enrolment-labels").getByText("site = fra").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("edge seven");
  await addRow("Add label", page.getByLabel("Label name"));
  await page.getByLabel("Label name").fill("env");
  await page.getByLabel("Label value").fill("test");
  await part("save").click();
  await part("outlook").getByText("Shop logs").waitFor();
  await picture("collector-enrolled-review");
  await part("save-confirm").click();
  await part("review").waitFor({ state: "detached" });
  await part("enrolment-labels").getByText("env = prod").waitFor({ state: "detached" });
  await picture("collector-enrolled");
  const { body } = await api("GET", `/collectors/${id}`);
  if (JSON.stringify(body.operator_labels) !== "{\"env\":\"test\"}") throw new Error(JSON.stringify(body.operator_labels));
  await button("Remove label").click();
  await save();
  await part("enrolment-labels").getByText("env = prod").waitFor();
  return id;
}

/** What it would refuse as a whole is not given to it: said before, in the overview and on its page; and undone. */
export async function withheld(id) {
  for (const [path, body] of [
    ["/destinations", { name: "Screen", kind: "debug", settings: {} }],
    ["/pipelines", { name: "Noisy", enabled: true, signals: ["logs"], match: ["tier=\"noisy\""], sources: [{ id: "in", kind: "otlp", settings: { grpc: { endpoint: "127.0.0.1:4399" } } }], destinations: ["screen"] }],
  ]) {
    const { status, body: answer } = await api("POST", path, body);
    if (status !== 201) throw new Error(`${path} was answered with ${status}: ${JSON.stringify(answer)}`);
  }
  const why = "needs --stability.level=experimental";
  await addRow("Add label", page.getByLabel("Label name"));
  await page.getByLabel("Label name").fill("tier");
  await page.getByLabel("Label value").fill("noisy");
  await part("save").click();
  await part("outlook").getByText("Noisy").first().waitFor();
  await part("outlook").getByText(why).waitFor();
  await picture("collector-withheld-review");
  await part("save-confirm").click();
  await part("review").waitFor({ state: "detached" });
  await state("Withheld");
  await page.getByText(why).first().waitFor();
  await openTab("Configuration");
  await page.getByText("What is committed now is withheld.").or(page.getByRole("heading", { name: "Withheld" })).waitFor();
  await picture("collector-withheld");
  await go("/", "overview");
  await page.getByRole("region", { name: "Needs a look" }).getByRole("row").filter({ hasText: "edge seven" }).getByText(why).waitFor();
  await picture("overview-withheld");
  await page.getByRole("region", { name: "Configuration of the fleet" }).getByRole("link", { name: "Withheld" }).click();
  await part("collector-row").getByText("edge seven").waitFor();
  if (await part("collector-row").count() !== 1) throw new Error("the link to who is withheld shows others too");

  // Who takes back the commit that made a pipeline deletes it.
  await go("/history", "history");
  await part("revision-row").filter({ hasText: "Noisy" }).first().getByRole("link").first().click();
  await part("undo").click();
  await page.getByText("Noisy (pipelines/noisy.yaml) is deleted.").waitFor();
  await picture("revision-undo-deletes");
  const made = page.url();
  await page.getByRole("button", { name: "Undo and delete", exact: true }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/history/") && url.href !== made);
  const { body: left } = await api("GET", "/pipelines");
  if (left.items.some((pipeline) => pipeline.id === "noisy")) throw new Error("the pipeline is there after its making was undone");
  const { etag } = await api("GET", "/destinations/screen");
  await api("DELETE", "/destinations/screen", undefined, { "If-Match": etag });
  await go(`/collectors/${id}`, "collector");
  await part("config-state").getByText("Withheld").waitFor({ state: "detached" });
  await openTab("Attributes and labels");
  await button("Remove label").click();
  await save();
}

/** Another token, and the end of a collector. */
export async function tokenAndEnd(id) {
  await button("New token").click();
  await page.getByRole("heading", { name: "Issue a new token?" }).waitFor();
  await picture("collector-token-question");
  await part("confirm").click();
  await part("new-token").getByText("lmct_").waitFor();
  await picture("collector-token");
  await button("End the old one now").click();
  await page.getByText("The old token is dead.").waitFor();
  // Whoever closed that dialog finds it again beside the next token.
  await button("New token").click();
  const ended = page.waitForResponse((answer) => answer.url().endsWith("/token/previous"));
  await button("End the old token").click();
  if ((await ended).status() !== 204) throw new Error("the old token was not ended");
  await page.getByRole("heading", { name: "Issue a new token?" }).waitFor({ state: "detached" });
  await button("Deregister").click();
  await page.getByText("This Alloy will not start again").waitFor();
  await picture("collector-deregister");
  await part("confirm").click();
  await part("collectors").waitFor();
  await page.locator(`[data-testid=collector-row][data-id="${id}"]`).waitFor({ state: "detached" });
  await show(`/collectors/${id}`, "collector", "collector-deregistered");
}

/** An Alloy with a stability level: the level stands in what is printed. */
export async function addAlloy() {
  await go("/collectors/add", "add-collector");
  await page.getByText("Grafana Alloy;").click();
  await page.getByText("Also file logs and others in preview.").click();
  await page.getByLabel("Name", { exact: true }).fill("db-01");
  await picture("add-alloy");
  await button("Continue").click();
  await part("waiting").waitFor();
  await part("bootstrap-script").getByText("--stability.level=public-preview").first().waitFor();
  await page.getByText("The same, file by file").click();
  await picture("add-alloy-waiting");
}

/** A config that the collector refuses: its own words, another try, and the way back through history. */
export async function failure(id) {
  await go("/pipelines/shop-logs", "pipeline");
  await part("lane-sources").getByTestId("step").click();
  const addresses = part("step-form").locator("input[type=text]");
  for (let index = 0; index < await addresses.count(); index += 1) {
    const address = addresses.nth(index);
    // Nothing that the server can see is wrong with it: somebody else on the host has the port.
    if (/:4318$/.test(await address.inputValue())) await address.fill(`127.0.0.1:${task.taken}`);
  }
  await save();
  // Who refused it, and why, shows where it was saved.
  await part("outcome").getByText("address already in use").first().waitFor();
  await picture("pipeline-refused");
  await part("outcome").locator("tbody a").click();
  await part("collector").waitFor();
  if (!page.url().endsWith(id)) throw new Error(`the refusal leads to ${page.url()}`);
  await state("Failed");
  await part("config-error").getByText("address already in use").first().waitFor();
  await picture("collector-failed");
  await openTab("Health");
  await part("health-tree").waitFor();
  await picture("collector-failed-health");
  // Its report of many lines is not all of the list of events.
  await openTab("Events");
  const report = part("events").getByTestId("long").first();
  await report.getByText("All of it").waitFor();
  if ((await report.boundingBox()).height > 200) throw new Error("a report of many lines is shown in full");
  await picture("collector-failed-events");
  await button("Retry").click();
  await page.getByText("Offered once more.").waitFor();
  await picture("collector-retried");
  await state("Failed");
  await show("/", "overview", "overview-failed");
  await show("/collectors", "collectors", "collectors-failed");
}

/** Everything as it was before the last save. */
export async function restore(id) {
  await go("/history", "history");
  await part("revision-row").first().getByText("Shop logs", { exact: true }).waitFor();
  await picture("history");
  await part("revision-row").nth(1).getByRole("link").first().click();
  await part("file-diff").first().waitFor();
  await picture("revision");
  const before = page.url();
  await part("restore").click();
  await page.getByRole("heading", { name: "Restore?" }).waitFor();
  await picture("revision-restore");
  await part("confirm").click();
  await page.waitForURL((url) => url.pathname.startsWith("/history/") && url.href !== before);
  await page.getByRole("heading", { name: /restore/ }).waitFor();
  await picture("revision-restored");
  await go(`/collectors/${id}`, "collector");
  await state("In sync");
  if (await part("config-error").count() !== 0) throw new Error("a failure that is over is still shown");

  // One commit alone is taken back.
  const { body: before_it } = await api("GET", "/pipelines/shop-logs");
  await meanwhile("PUT", "/pipelines/shop-logs", (document) => ({ ...document, description: "by mistake" }));
  await go("/history", "history");
  await part("revision-row").first().getByRole("link").first().click();
  await part("file-diff").getByText("by mistake").waitFor();
  const mistake = page.url();
  await part("undo").click();
  await page.getByText("right before this commit").waitFor();
  await picture("revision-undo");
  await part("confirm").click();
  await page.waitForURL((url) => url.pathname.startsWith("/history/") && url.href !== mistake);
  const { body: after_it } = await api("GET", "/pipelines/shop-logs");
  if (after_it.description !== before_it.description) throw new Error(`undone to ${JSON.stringify(after_it.description)}`);
  await go(`/collectors/${id}`, "collector");
  await state("In sync");
}

/** It runs something else than was committed: marked beside each other. */
export async function drift(id, flow) {
  await ask({ do: "drift", ...flow });
  await state("Drifted");
  // The place, what was committed, and what runs.
  const difference = part("differences").getByRole("row").filter({ hasText: "by-hand" }).first();
  await difference.getByText(flow.processor).waitFor();
  if (await difference.getByRole("cell").count() !== 3) throw new Error("a difference is a place and two values");
  for (const side of ["desired", "effective"]) {
    const marked = await part(side).locator(".m").count();
    if (marked === 0) throw new Error(`no line is marked in what is ${side}`);
  }
  // What belongs together stands at one height, scrolled or not, in a window that was narrow before too.
  if (await part("desired").locator(".e").count() === 0) throw new Error("nothing stands beside the defaults that the collector adds");
  const apart = () => page.evaluate(() => {
    const tops = (side) => [...document.querySelector(`[data-testid=${side}]`).children].map((line) => Math.round(line.getBoundingClientRect().top));
    const [left, right] = [tops("desired"), tops("effective")];
    if (left.length < 20 || left.length !== right.length) return `${left.length} rows beside ${right.length}`;
    const row = left.findIndex((top, index) => top !== right[index]);
    return row < 0 ? null : `row ${row} stands at ${left[row]} beside ${right[row]}`;
  });
  const together = async (when) => { const found = await apart(); if (found) throw new Error(`${when}: ${found}`); };
  const row = (side) => part(side).evaluate((code, name) => [...code.children].findIndex((line) => line.textContent.trim() === `${name}:`), flow.processor);
  if (await row("desired") < 0 || await row("desired") !== await row("effective")) throw new Error(`row ${await row("desired")} stands beside ${await row("effective")}`);
  await together("as it opens");
  const seen = (side) => part(side).locator(".m").first().evaluate((line) => {
    const [here, frame] = [line.getBoundingClientRect(), line.closest("[data-testid=beside]").getBoundingClientRect()];
    return here.top >= frame.top && here.bottom <= frame.bottom;
  });
  if (!await seen("desired") || !await seen("effective")) throw new Error("what is marked is out of sight");
  await picture("collector-drifted");
  const before = await part("beside").evaluate((pair) => pair.scrollTop);
  await part("desired").hover();
  await page.mouse.wheel(0, 200);
  await page.waitForFunction((past) => document.querySelector("[data-testid=beside]").scrollTop !== past, before);
  await together("scrolled");
  const wide = page.viewportSize();
  await page.setViewportSize({ ...wide, width: 480 });
  await part("desired").hover();
  await page.mouse.wheel(0, 150);
  await page.setViewportSize(wide);
  await together("wide again");
  await picture("collector-drifted-scrolled");
  // More need a look than the overview lists.
  const crowd = await instead("/collectors?drift=drifted&limit=10", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), next_cursor: "more" } });
  });
  await show("/", "overview", "overview-drifted");
  await page.getByRole("region", { name: "Needs a look" }).getByText("And more").waitFor();
  await crowd();
  await ask({ do: "leave" });
  await go(`/collectors/${id}`, "collector");
  await part("status").getByText("Offline", { exact: true }).waitFor();
  await part("healthy").getByText("Healthy, before it left").waitFor();
  await page.getByText(/last seen .* ago/).waitFor();
  await picture("collector-offline");
  await ask({ do: "return" });
  await state("In sync");
}
