// What pipelines are worked on with beside saving: choosing kinds, conditions of destinations, sample records, import.
import { button, expect, go, instead, openTab, origin, page, part, picture, until } from "./stage.mjs";

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
  await records.focus();
  await page.keyboard.press("Control+Enter");
  await part("tried").waitFor();
  if (await part("tried-step").count() !== 3) throw new Error("not every step was tried");
  await part("tried-step").first().getByText("3 → 3").waitFor();
  await part("tried-destination").first().getByText("Central").waitFor();
  await part("tried-destination").first().getByText("resourceLogs").waitFor();
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
  await button("Discard").click();
}

/** What a collector's own config becomes is looked at, and saved part by part, destinations first. */
export async function importing() {
  const debug = { version: 1, kind: "debug", settings: {} };
  const pipeline = { version: 1, signals: ["logs"], match: [], sources: [{ id: "otlp", kind: "otlp", settings: { grpc: { endpoint: "127.0.0.1:14317" } } }] };
  const becomes = {
    destinations: [{ ...debug, id: "found", name: "Found" }, { ...debug, id: "central", name: "Taken" }],
    pipelines: [{ ...pipeline, id: "imported", name: "Imported", destinations: ["found"] }],
    left_over: [{ path: "service.telemetry", text: "telemetry: {}", reason: "Own metrics are offered by `LinkMesh`." }],
    errors: [],
  };
  const nothing = { destinations: [], pipelines: [], left_over: [], errors: [{ field: "text", code: "invalid_value", message: "is no YAML" }] };
  let asked;
  const honest = await instead("/pipelines/import", (route) => {
    asked = route.request().postDataJSON();
    return route.fulfill({ json: asked.text.startsWith("receivers") ? becomes : nothing });
  });
  await go("/pipelines", "pipelines");
  await page.getByRole("link", { name: "Import", exact: true }).click();
  await part("import").waitFor();
  await page.getByLabel("Configuration").fill("{");
  await part("read-import").click();
  await part("import-errors").getByText("is no YAML").waitFor();
  await picture("import-wrong");
  await page.getByLabel("File").setInputFiles({ name: "config.alloy", mimeType: "text/plain", buffer: Buffer.from("otelcol.receiver.otlp") });
  await page.waitForFunction(() => document.querySelector("[data-testid=import] select").value === "alloy");
  await page.getByLabel("File").setInputFiles({ name: "config.yaml", mimeType: "text/plain", buffer: Buffer.from("receivers: {}") });
  await page.waitForFunction(() => document.querySelector("[data-testid=import] textarea").value === "receivers: {}");
  await part("read-import").click();
  await part("import-item").nth(2).waitFor();
  if (asked.runtime !== "otelcol" || asked.text !== "receivers: {}") throw new Error(`asked for ${JSON.stringify(asked)}`);
  await part("left-over").getByText("Own metrics are offered by LinkMesh.").waitFor();
  await part("import-item").last().getByText("Imported", { exact: true }).click();
  await part("import-item").last().getByText("127.0.0.1:14317").waitFor();
  await picture("import");
  // A pipeline is saved with the destination that it sends to, and no others.
  await button("Save Imported").click();
  await part("import-item").last().getByText("Saved", { exact: true }).waitFor();
  await part("import-item").first().getByText("Saved", { exact: true }).waitFor();
  await button("Save Taken").waitFor();
  await until("/pipelines/imported", ({ name, destinations }) => name === "Imported" && `${destinations}` === "found");
  expect("status of 409");
  await part("save-import").click();
  await part("import-item").nth(1).getByRole("alert").waitFor();
  await picture("import-saved");
  await honest();
  await part("import-item").last().getByRole("link", { name: "Open" }).click();
  await page.waitForURL(`${origin}/pipelines/imported`);
  for (const path of ["/pipelines/imported", "/destinations/found"]) {
    await go(path, path.startsWith("/p") ? "pipeline" : "destination");
    await button("Delete").click();
    await part("confirm").click();
    await part(path.startsWith("/p") ? "pipelines" : "destinations").waitFor();
  }
}
