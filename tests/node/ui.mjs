// Walks through the page as an operator would, in a real browser, and leaves screenshots. Takes one JSON argument; says
// on its output, a JSON line each, what has to happen outside of the page.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const task = JSON.parse(process.argv[2]);
mkdirSync(task.pictures, { recursive: true });
const person = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };

const browser = await chromium.launch({
  executablePath: task.browser,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, colorScheme: "light" });
const page = await context.newPage();
page.setDefaultTimeout(60_000);

// Whatever the browser complains about is a defect, but for answers that the page itself deals with.
const complaints = [];
page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
page.on("console", (message) => {
  if (message.type() === "error" && !/Failed to load resource.*(401|404|410|412|422)/.test(message.text())) {
    complaints.push(`console: ${message.text()}`);
  }
});
const origin = new URL(task.setupUrl).origin;
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) complaints.push(`asks ${url}`);
});

let number = 0;
async function picture(name) {
  number += 1;
  const file = `${String(number).padStart(2, "0")}-${name}.png`;
  await page.screenshot({ path: join(task.pictures, file), fullPage: true, animations: "disabled" });
}
const part = (id) => page.getByTestId(id);
const tell = (event) => console.log(JSON.stringify(event));

async function go(path, id) {
  await page.goto(origin + path);
  await part(id).first().waitFor();
}

/** Saves what is being edited, through the dialog that shows the change. */
async function save(name) {
  await part("save").click();
  await part("review").waitFor();
  await picture(`${name}-review`);
  await part("save-confirm").click();
  await part("review").waitFor({ state: "detached" });
}

/** Titles of the catalogue by role and kind, as the page's menus show them. */
async function titles() {
  const answer = await page.evaluate(async () => (await fetch("/api/v1/catalogue")).json());
  return new Map(answer.items.map((entry) => [`${entry.role} ${entry.kind}`, entry.title]));
}

async function add(lane, title) {
  await part(`add-${lane}`).click();
  const lanePart = lane === "destinations" ? part("lane-destinations") : part(`lane-${lane}`);
  await lanePart.locator(".add-menu button", { hasText: title }).first().click();
  await part("step-form").waitFor();
}

async function walk() {
  // The setup link, and the first administrator.
  await page.goto(task.setupUrl);
  await part("setup").waitFor();
  await picture("setup");
  await page.getByLabel("Name").fill(person.name);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create the administrator" }).click();
  await page.getByText("The password needs 12 characters or more.").waitFor();
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Create the administrator" }).click();
  await part("overview").waitFor();
  await part("empty").waitFor();
  await picture("overview-empty");
  for (const [path, id] of [["/collectors", "collectors"], ["/pipelines", "pipelines"], ["/destinations", "destinations"]]) {
    await go(path, id);
    await picture(`${id}-empty`);
  }

  // A collector: what the page shows is pasted on a host, and the page sees it arrive.
  await go("/collectors/add", "add-collector");
  await page.getByLabel("Name", { exact: true }).fill("web-01");
  await page.getByLabel("Version").fill(task.version);
  await page.getByRole("button", { name: "Add label" }).click();
  await page.getByLabel("Label name").fill("env");
  await page.getByLabel("Label value").fill("prod");
  await picture("add-collector");
  const made = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/collectors") && answer.request().method() === "POST");
  await page.getByRole("button", { name: "Continue" }).click();
  const { collector, bootstrap } = await (await made).json();
  await part("waiting").waitFor();
  await picture("add-collector-waiting");
  tell({ do: "install", bootstrap });
  await part("arrived").waitFor();
  await picture("add-collector-arrived");
  await page.getByRole("link", { name: "Open the collector" }).click();
  await part("collector").waitFor();
  await picture("collector-without-pipeline");

  // A destination.
  const title = await titles();
  await go("/destinations/new", "destination");
  await page.getByLabel("Name", { exact: true }).first().fill("Central");
  await page.getByLabel("Kind").selectOption("otlp_http");
  await part("step-form").getByLabel("URL").first().fill(task.sink);
  await picture("destination");
  await save("destination");
  await page.waitForURL(/\/destinations\/central$/);

  // A pipeline: OTLP in, no debug records, one attribute, to the destination.
  await go("/pipelines/new", "pipeline-form");
  await page.getByLabel("Name", { exact: true }).first().fill("Shop logs");
  await page.getByRole("button", { name: "Add matcher" }).click();
  await page.getByRole("textbox", { name: "Matcher" }).fill("env=\"prod");
  await page.getByLabel("Logs", { exact: true }).check();
  await part("save").click();
  await part("problem").first().waitFor();
  await picture("pipeline-wrong-matcher");
  await page.keyboard.press("Escape");
  await part("review").waitFor({ state: "detached" });
  await page.getByRole("textbox", { name: "Matcher" }).fill("env=\"prod\"");
  await add("sources", title.get("source otlp"));
  // The machine of the tests is shared: no port that somebody else may have.
  const addresses = part("step-form").locator("input[type=text]");
  let free = 0;
  for (let index = 0; index < await addresses.count(); index += 1) {
    if (/:\d+$/.test(await addresses.nth(index).inputValue())) {
      await addresses.nth(index).fill(`127.0.0.1:${task.ports[free]}`);
      free += 1;
    }
  }
  if (free === 0) throw new Error("the OTLP source's example has no address");
  await add("filters", title.get("filter severity"));
  await add("processors", title.get("processor attributes"));
  await add("destinations", "Central");
  await part("matched").getByText("1", { exact: true }).waitFor();
  await picture("pipeline");
  await save("pipeline");
  await page.waitForURL(/\/pipelines\/shop-logs$/);
  await picture("pipeline-saved");
  const stored = await page.evaluate(async () => (await fetch("/api/v1/pipelines/shop-logs")).json());

  // Applied and in sync, with what the collector really loaded beside it.
  await go(`/collectors/${collector.id}`, "collector");
  await page.getByText("In sync").first().waitFor();
  await picture("collector");
  await page.locator(".tabs").getByText("Health", { exact: true }).click();
  await part("health-tree").waitFor();
  await picture("collector-health");
  const set = stored.processors[0].settings.actions.find((action) => action.action === "set" && action.value !== undefined);
  const http = stored.sources[0].settings.http.endpoint;
  tell({ do: "records", port: Number(http.split(":").pop()), key: set.key, value: String(set.value) });

  // Somebody else saves meanwhile: nothing is lost, and the page shows both.
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline-settings").click();
  await page.getByLabel("Description").fill("mine");
  const status = await page.evaluate(async () => {
    const session = await (await fetch("/api/v1/session")).json();
    const current = await fetch("/api/v1/pipelines/shop-logs");
    const { id, revision, updated_at, updated_by, matched, ...document } = await current.json();
    const answer = await fetch("/api/v1/pipelines/shop-logs", {
      method: "PUT",
      headers: {
        "Content-Type": "application/json",
        "If-Match": current.headers.get("ETag"),
        "X-CSRF-Token": session.csrf_token,
      },
      body: JSON.stringify({ ...document, description: "theirs" }),
    });
    return answer.status;
  });
  if (status !== 200) throw new Error(`the other save was answered with ${status}`);
  await part("save").click();
  await part("save-confirm").click();
  await part("conflict").waitFor();
  await picture("pipeline-conflict");
  await page.getByRole("button", { name: "Back to editing" }).click();
  await page.getByRole("button", { name: "Discard" }).click();

  // History: who changed what, and bringing it back.
  await go("/history", "history");
  await part("revision-row").first().waitFor();
  await picture("history");
  await part("revision-row").first().getByRole("link").first().click();
  await part("file-diff").first().waitFor();
  await picture("revision");

  for (const [path, id] of [["/", "overview"], ["/collectors", "collectors"], ["/pipelines", "pipelines"], ["/destinations", "destinations"]]) {
    await go(path, id);
    await picture(id);
  }

  // The same at night, on a small screen, and by the keyboard.
  await part("theme-switch").click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  for (const [path, id] of [["/", "overview"], [`/collectors/${collector.id}`, "collector"], ["/pipelines/shop-logs", "pipeline"],
    ["/destinations/central", "destination"], ["/collectors/add", "add-collector"], ["/history", "history"]]) {
    await go(path, id);
    await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    await picture(`${id}-dark`);
  }
  await page.keyboard.press("Control+k");
  await part("palette").waitFor();
  await picture("palette");
  await page.keyboard.press("Escape");
  await page.setViewportSize({ width: 390, height: 844 });
  await go("/collectors", "collectors");
  await picture("collectors-small");
  await go("/pipelines/shop-logs", "pipeline");
  await picture("pipeline-small");
  await page.setViewportSize({ width: 1360, height: 900 });

  // Out and in again; a link into the page survives it.
  await go("/pipelines", "pipelines");
  await part("sign-out").click();
  await part("sign-in").waitFor();
  await picture("sign-in");
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").or(page.locator(".note")).first().waitFor();
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await part("rail").waitFor();
}

try {
  await walk();
  if (complaints.length > 0) throw new Error(`the browser complains:\n${complaints.join("\n")}`);
} catch (error) {
  await picture("failed").catch(() => {});
  console.error(`${error.stack ?? error}\nat ${page.url()}\n${complaints.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
