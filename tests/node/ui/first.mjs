// From the setup link to a collector that runs what was saved.
import { addRow, api, ask, button, chooseKind, go, openTab, page, part, person, picture, save, show, state, task, until } from "./stage.mjs";

/** Titles of the catalogue by role and kind, as the page's menus show them. */
async function titles() {
  const { body } = await api("GET", "/catalogue");
  return new Map(body.items.map((entry) => [`${entry.role} ${entry.kind}`, entry.title]));
}

async function add(lane, title) {
  await part(`add-${lane}`).click();
  await part(`lane-${lane}`).locator(".add-menu button", { hasText: title }).first().click();
  await part("step-form").waitFor();
}

export async function setUp() {
  await page.goto(task.setupUrl);
  await part("setup").waitFor();
  await picture("setup");
  await page.getByLabel("Name").fill(person.name);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("short");
  await button("Create the administrator").click();
  await page.getByText("The password needs 12 characters or more.").waitFor();
  await page.getByLabel("Password").fill(person.password);
  await button("Create the administrator").click();
  await part("overview").waitFor();
  await part("empty").waitFor();
  await picture("overview-empty");
  for (const id of ["collectors", "pipelines", "destinations", "history"]) await show(`/${id}`, id, `${id}-empty`);
  await go("/nowhere", "empty");
  await picture("not-found");
}

/** What the page shows is pasted on a host, and the page sees it arrive. */
export async function addCollector() {
  await go("/collectors/add", "add-collector");
  await page.getByLabel("Name", { exact: true }).fill("web-01");
  await page.getByLabel("Version").fill(task.version);
  await addRow("Add label", page.getByLabel("Label name"));
  await page.getByLabel("Label name").fill("env");
  await page.getByLabel("Label value").fill("prod");
  await picture("add-collector");
  const made = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/collectors") && answer.request().method() === "POST");
  await button("Continue").click();
  const { collector } = await (await made).json();
  await part("waiting").waitFor();
  await part("bootstrap-programs").getByText("/usr/bin/opampsupervisor").waitFor();
  await picture("add-collector-waiting");
  await button("Copy the script").click();
  await page.getByText("Copied the script.").waitFor();
  await ask({ do: "install", script: await page.evaluate(() => navigator.clipboard.readText()) });
  await part("arrived").waitFor();
  await picture("add-collector-arrived");
  await page.getByRole("link", { name: "Open the collector" }).click();
  await part("collector").waitFor();
  await state("Nothing to run");
  await picture("collector-without-pipeline");
  await openTab("Throughput");
  await part("throughput").getByText("No data yet").waitFor();
  await picture("collector-throughput-empty");
  return collector.id;
}

export async function addDestination() {
  await go("/destinations/new", "destination");
  await part("kind").getByText("Choose a kind").waitFor();
  await part("kind").click();
  await picture("destination-kinds");
  await page.keyboard.press("Escape");
  await chooseKind("OTLP over HTTP");
  // What was typed is looked at before it is saved; what is not there yet is no fault.
  const url = part("step-form").getByLabel("URL").first();
  await url.fill("central.example.com");
  await part("problem").waitFor();
  if (await part("problem").count() !== 1) throw new Error("what nobody has typed yet is shown as a problem");
  await picture("destination-wrong");
  await url.fill(task.sink);
  await part("problem").first().waitFor({ state: "detached" });
  await page.getByLabel("Name", { exact: true }).first().fill("Central");
  await picture("destination");
  await save("destination");
  await page.waitForURL(/\/destinations\/central$/);
  await page.getByRole("region", { name: "Used by" }).waitFor();
}

/** OTLP in, no debug records, one attribute, to the destination. */
export async function addPipeline() {
  const title = await titles();
  await go("/pipelines/new", "pipeline-form");
  await picture("pipeline-new");
  const matcher = page.getByRole("textbox", { name: "Matcher" });
  await addRow("Add matcher", matcher);
  await matcher.fill("env=\"prod");
  await part("problem").waitFor();
  if (await part("problem").count() !== 1) throw new Error("what nobody has typed yet is shown as a problem");
  if (await matcher.getAttribute("aria-invalid") !== "true") throw new Error("the wrong matcher is not marked");
  await picture("pipeline-wrong-matcher");
  await matcher.fill("env=\"prod\"");
  await part("problem").first().waitFor({ state: "detached" });
  await part("matched").getByText("1", { exact: true }).waitFor();

  // A save is tried too early: now also what is missing is named, and nothing is stored.
  await part("save").click();
  await part("review").waitFor();
  await picture("pipeline-too-early");
  await page.keyboard.press("Escape");
  await part("review").waitFor({ state: "detached" });
  await page.getByText("must not be empty").first().waitFor();
  await page.getByLabel("Name", { exact: true }).first().fill("Shop logs");
  await page.getByLabel("Logs", { exact: true }).check();
  await part("add-sources").click();
  await picture("pipeline-menu");
  await page.keyboard.press("Escape");
  await add("sources", title.get("source otlp"));
  await add("filters", title.get("filter severity"));
  await add("processors", title.get("processor attributes"));
  // What must be there begins empty.
  await page.getByLabel("Attribute", { exact: true }).fill("deployment.environment");
  await page.getByLabel("Value", { exact: true }).fill("prod");
  // The last preview is the one of the whole pipeline: nothing of what was mended is told any more.
  const settled = page.waitForResponse((answer) => answer.url().endsWith("/pipelines/preview") && answer.request().postDataJSON().destinations.length === 1);
  await add("destinations", "Central");
  await settled;
  const becomes = page.getByRole("region", { name: "What the pipeline becomes" });
  await becomes.locator(".note.bad").waitFor({ state: "detached" });
  await becomes.getByTestId("preview-otelcol").getByText("attributes").first().waitFor();
  await picture("pipeline");
  await save("pipeline");
  await page.waitForURL(/\/pipelines\/shop-logs$/);
  await part("matched").getByText("1", { exact: true }).waitFor();
  // What becomes of the save shows where it was made.
  await part("outcome-sentence").getByText("1 collector runs what is saved.").waitFor();
  await picture("pipeline-saved");
}

/** Applied and in sync, with what the collector really loaded beside it, and its records arrive changed. */
export async function seeItRun(id) {
  await go(`/collectors/${id}`, "collector");
  await state("In sync");
  // It is there: how long ago the page heard of it says nothing.
  await page.getByText("last seen now").waitFor();
  await part("effective").waitFor();
  await part("collector").getByRole("link", { name: "Shop logs", exact: true }).waitFor();
  await picture("collector");
  await openTab("Health");
  await part("health-tree").waitFor();
  await picture("collector-health");
  const { body } = await api("GET", "/pipelines/shop-logs");
  const set = body.processors[0].settings.actions.find((action) => action.action === "set" && action.value !== undefined);
  const flow = {
    port: Number(body.sources[0].settings.http.endpoint.split(":").pop()),
    key: set.key,
    value: String(set.value),
    processor: `attributes/shop-logs.${body.processors[0].id}`,
  };
  await ask({ do: "records", ...flow });
  return flow;
}

/**
 * Two kinds of telemetry from two sources, less what is below a severity, with an attribute, to two destinations; beside
 * another pipeline that has a source and a destination in common with it. Then it goes, and the collector has what it had.
 */
export async function bothSignals(id) {
  const title = await titles();
  await go("/destinations/new", "destination");
  await chooseKind("Debug");
  await page.getByLabel("Name", { exact: true }).first().fill("Console");
  await save();
  await page.waitForURL(/\/destinations\/console$/);

  await go("/pipelines/new", "pipeline-form");
  await page.getByLabel("Name", { exact: true }).first().fill("Host and apps");
  await addRow("Add matcher", page.getByRole("textbox", { name: "Matcher" }));
  await page.getByRole("textbox", { name: "Matcher" }).fill("collector.runtime=\"otelcol\"");
  await add("sources", title.get("source host_metrics"));
  await add("sources", title.get("source otlp"));
  await add("filters", title.get("filter severity"));
  // The first source brought the kind of telemetry that it has, and the filter is of another.
  await part("problem").getByText("handles logs only").waitFor();
  await part("pipeline-settings").click();
  await page.getByLabel("Logs", { exact: true }).check();
  await add("processors", title.get("processor attributes"));
  // What must be there begins empty.
  await page.getByLabel("Attribute", { exact: true }).fill("deployment.environment");
  await page.getByLabel("Value", { exact: true }).fill("prod");
  await add("destinations", "Central");
  await add("destinations", "Console");
  const becomes = page.getByRole("region", { name: "What the pipeline becomes" });
  await becomes.getByTestId("preview-otelcol").getByText("debug/console").first().waitFor();
  await becomes.locator(".note.bad").waitFor({ state: "detached" });
  await picture("pipeline-both-signals");
  await save();
  await page.waitForURL(/\/pipelines\/host-and-apps$/);
  await part("outcome-sentence").getByText("1 collector runs what is saved.").waitFor();

  await go(`/collectors/${id}`, "collector");
  await state("In sync");
  await openTab("Health");
  for (const component of ["pipeline:metrics/host-and-apps", "pipeline:logs/host-and-apps", "pipeline:logs/shop-logs", "exporter:debug/console"]) {
    await part("health-tree").getByText(component).first().waitFor();
  }
  await picture("collector-both-signals");

  await go("/pipelines/host-and-apps", "pipeline");
  await button("Delete").click();
  await part("confirm").click();
  await part("pipelines").waitFor();
  await until(`/collectors/${id}`, ({ pipelines, config_state, drift }) => `${pipelines} ${config_state} ${drift}` === "shop-logs applied in_sync");
}
