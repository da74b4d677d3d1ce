// What pipelines are worked on with beside saving: choosing kinds, conditions of destinations, sample records, import.
import { api, button, expect, go, instead, openTab, origin, page, part, picture, until } from "./stage.mjs";

const focused = (selector) => page.waitForFunction((selector) => document.activeElement.matches(selector), selector);

/** Kinds are found by typing, and reached by arrows. */
export async function picking() {
  await go("/pipelines/shop-logs", "pipeline");
  await part("add-sources").focus();
  await page.keyboard.press("Enter");
  await focused(".add-menu input");
  const menu = part("lane-sources").locator(".add-menu");
  await menu.getByRole("button").last().getByText("Raw: upstream text").waitFor();
  await page.keyboard.type("nothing is called that");
  await menu.getByText("Nothing by that name.").waitFor();
  await page.keyboard.press("Escape");
  await focused("[data-testid=add-sources]");
  // Opened again it begins anew.
  await page.keyboard.press("Enter");
  await focused(".add-menu input");
  await menu.getByRole("button").nth(2).waitFor();
  await page.keyboard.type("host");
  await page.keyboard.press("ArrowDown");
  await focused(".add-menu [data-rows] > button:first-child");
  await page.keyboard.press("ArrowUp");
  await focused(".add-menu input");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.type(" ");
  await part("lane-sources").getByTestId("step").getByText("Host metrics").waitFor();
  await button("Discard").click();
  // Where nothing is found, Enter does not follow the link below.
  await part("add-destinations").click();
  await focused("[data-testid=lane-destinations] .add-menu input");
  await page.keyboard.type("nothing is called that");
  await part("lane-destinations").getByRole("status").getByText("Nothing by that name.").waitFor();
  await page.keyboard.press("Enter");
  await focused("[data-testid=lane-destinations] .add-menu input");
  await page.keyboard.press("Escape");
}

/** A destination gets a part of the records: the condition is checked where it is typed, and the card tells of it. */
export async function condition() {
  await go("/pipelines/shop-logs", "pipeline");
  const card = part("lane-destinations").getByTestId("step").first();
  await card.click();
  const when = page.getByLabel("Only records where");
  await when.fill("severity_number == (1");
  await part("problem").waitFor();
  await focused("[aria-invalid=true]");
  await when.fill("severity_number >= SEVERITY_NUMBER_ERROR");
  await part("problem").waitFor({ state: "detached" });
  await card.getByText("only where severity_number >= SEVERITY_NUMBER_ERROR").waitFor();
  await picture("pipeline-condition");
  await openTab("Changes");
  await page.getByRole("region", { name: "Changes since the last save" }).getByText("when:").waitFor();
  await when.fill(" ");
  await page.getByText("No changes", { exact: true }).waitFor();
}

/** Sample records go through the pipeline as it stands on the page; what is shown says so when that has changed since. */
export async function tryIt() {
  await go("/pipelines/shop-logs", "pipeline");
  await openTab("Try it");
  const records = page.getByRole("textbox", { name: "Records" });
  await page.waitForFunction(() => document.querySelector("[data-testid=dry-run] textarea").value.includes("resourceLogs"));
  // All collectors that match are of one runtime.
  const runtime = await part("dry-run").getByLabel("Runtime").elementHandle();
  await page.waitForFunction((field) => field.value === "otelcol", runtime);
  await records.focus();
  await page.keyboard.press("Control+Enter");
  await part("tried").waitFor();
  if (await part("tried-step").count() !== 3) throw new Error("not every step was tried");
  await part("tried-step").first().getByText("3 → 3").waitFor();
  await part("tried-destination").first().getByText("Central").waitFor();
  await part("tried-destination").first().getByText("resourceLogs").waitFor();
  await part("tried-note").getByText(/^Tried: 3 records, \d reach(es)? Central\.$/).waitFor();
  await picture("pipeline-tried");
  // Another tab of the editor takes nothing away.
  await openTab("Preview");
  await openTab("Try it");
  await part("tried-step").nth(2).waitFor();
  await part("lane-filters").getByTestId("step").first().click();
  await page.getByLabel("Name on the card").fill("Not the noise");
  await part("tried-note").getByText("The pipeline was changed since").waitFor();
  await button("Try it").click();
  await part("tried-step").getByText("Not the noise").waitFor();
  await part("tried-note").locator(".note").waitFor({ state: "detached" });
  await records.fill("{\"resourceLogs\": [");
  await part("tried-note").getByText("were changed since").waitFor();
  await button("Try it").click();
  await part("tried").locator(".note.bad").getByText("records").first().waitFor();
  if (await records.getAttribute("aria-invalid") !== "true") throw new Error("records that cannot be read are not marked");
  await picture("pipeline-tried-wrong");
  // Records come from no source that is gone; what has none beside it in a select is shown as nothing at all.
  await part("lane-sources").getByTestId("step").first().click();
  await page.locator(".card-head").getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForFunction(() => {
    const source = document.querySelectorAll("[data-testid=dry-run] select")[1];
    return source.options.length === 1 && source.selectedIndex === 0;
  });
  await button("Discard").click();
}

/** What a collector runs by a file of its own: two pipelines, of whose destinations one gets an id that somebody else takes meanwhile. */
const FOREIGN = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:14317
exporters:
  debug/found:
    verbosity: detailed
  debug/spare:
    verbosity: basic
service:
  telemetry:
    logs:
      level: info
  pipelines:
    logs/imported:
      receivers: [otlp]
      exporters: [debug/found]
    traces/more:
      receivers: [otlp]
      exporters: [debug/spare]
`;

/** What a collector's own config becomes is looked at, and saved part by part, destinations first. */
export async function importing() {
  const item = (name) => part("import-item").filter({ has: page.locator("summary b", { hasText: new RegExp(`^${name}$`) }) });
  // Who may not save is told so, and sees what it becomes.
  const permitted = await instead("/session", async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...await response.json(), permissions: ["*:read"] } });
  });
  await go("/pipelines/import", "import");
  await part("import").getByText("You may look, not save.").waitFor();
  await page.getByLabel("Configuration").fill(FOREIGN);
  await part("read-import").click();
  await item("imported").waitFor();
  if (await part("import-items").getByRole("button").count() !== 0) throw new Error("who may not save is offered it");
  await permitted();
  await go("/pipelines", "pipelines");
  await page.getByRole("link", { name: "Import", exact: true }).click();
  await part("import").waitFor();
  await page.getByLabel("Configuration").fill("{");
  await part("read-import").click();
  await part("import-errors").getByRole("listitem").first().waitFor();
  await picture("import-wrong");
  await page.getByLabel("File").setInputFiles({ name: "config.alloy", mimeType: "text/plain", buffer: Buffer.from("otelcol.receiver.otlp") });
  await page.waitForFunction(() => document.querySelector("[data-testid=import] select").value === "alloy");
  await page.getByLabel("File").setInputFiles({ name: "config.yaml", mimeType: "text/plain", buffer: Buffer.from(FOREIGN) });
  await page.waitForFunction((text) => document.querySelector("[data-testid=import] textarea").value === text, FOREIGN);
  await part("read-import").click();
  for (const name of ["found", "spare", "imported", "more"]) await item(name).waitFor();
  await part("left-over").getByText("service.telemetry").waitFor();
  await item("imported").locator("summary").click();
  await item("imported").getByText("127.0.0.1:14317").waitFor();
  await picture("import");
  // A pipeline is saved with the destination that it sends to, and no others. Nothing is read again meanwhile.
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const quick = await instead("/pipelines", async (route) => {
    await held;
    return route.continue();
  });
  await button("Save imported").click();
  await item("imported").locator("[aria-busy=true]").waitFor();
  if (await part("read-import").isEnabled()) throw new Error("it can be read again while a save is under way");
  release();
  for (const name of ["imported", "found"]) await item(name).getByText("Saved", { exact: true }).waitFor();
  for (const name of ["spare", "more"]) await button(`Save ${name}`).waitFor();
  await quick();
  await until("/pipelines/imported", ({ name, destinations }) => name === "imported" && `${destinations}` === "found");
  await focused("[data-testid=import-item] a[href='/pipelines/imported']");
  // What is not saved yet holds back who would leave it.
  await part("rail").getByRole("link", { name: "Destinations" }).click();
  await page.getByRole("heading", { name: "Leave without saving?" }).waitFor();
  await button("Stay").click();
  // Of another text nothing is saved before it is read; then what was saved is not offered again.
  await page.getByLabel("Configuration").fill(`${FOREIGN}# changed\n`);
  await part("import-past").getByText("read it again").waitFor();
  if (await part("save-import").isEnabled()) throw new Error("what became of another text can be saved");
  await picture("import-past");
  await part("read-import").click();
  await part("import-past").waitFor({ state: "hidden" });
  await item("imported").getByRole("link", { name: "Open imported" }).waitFor();
  await button("Save spare").waitFor();
  // Without an answer nothing more is tried, and another id is no help.
  const silent = expect("net::ERR_FAILED");
  const honest = await instead("/destinations", (route) => route.abort());
  await part("save-import").click();
  await item("spare").getByRole("alert").getByText("does not answer").waitFor();
  await honest();
  silent();
  if (await item("spare").getByLabel("Id").count() !== 0) throw new Error("another id is asked for although nothing is wrong with it");
  await api("POST", "/destinations", { id: "spare", name: "Of another", kind: "otlp_http", settings: { endpoint: "http://127.0.0.1:4318" } });
  // What has an id that is taken is not saved, nor what sends to it, until it has another.
  const taken = expect("status of 409");
  await part("save-import").click();
  await item("spare").getByLabel("Id").waitFor();
  taken();
  await item("more").getByText("It sends to spare, which is not saved.").waitFor();
  await picture("import-taken");
  await item("spare").getByLabel("Id").fill("spare-too");
  await button("Save spare").click();
  await item("spare").getByText("Saved", { exact: true }).waitFor();
  await item("more").getByText("which is not saved").waitFor({ state: "detached" });
  await button("Save more").click();
  await item("more").getByText("Saved", { exact: true }).waitFor();
  await picture("import-saved");
  await until("/pipelines/more", ({ destinations }) => `${destinations}` === "spare-too");
  const opened = page.waitForEvent("popup");
  await item("spare").getByRole("link", { name: "Open spare" }).click();
  const other = await opened;
  await other.waitForURL(`${origin}/destinations/spare-too`);
  await other.close();
  for (const path of ["/pipelines/imported", "/pipelines/more", "/destinations/found", "/destinations/spare-too", "/destinations/spare"]) {
    await go(path, path.startsWith("/p") ? "pipeline" : "destination");
    await button("Delete").click();
    await part("confirm").click();
    await part(path.startsWith("/p") ? "pipelines" : "destinations").waitFor();
  }
}
