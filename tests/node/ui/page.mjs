// The page itself: live in every tab, careful with what was typed, by keyboard, at night, out and in again.
import { api, ask, button, chooseKind, elsewhere, expect, fault, feeds, forgetSession, go, instead, meanwhile, origin, page, part, person, picture, save, show, tab, until } from "./stage.mjs";

/** What is saved in one tab shows in another without loading it again; both hear it by one connection. */
export async function twoTabs() {
  await go("/pipelines/shop-logs", "pipeline");
  const other = await tab();
  await other.goto(`${origin}/pipelines/shop-logs`);
  const title = other.getByRole("heading", { level: 1 });
  await title.getByText("Shop logs", { exact: true }).waitFor();
  await other.getByTestId("feed-state").getByText("Live", { exact: true }).waitFor();
  if (feeds.includes(other)) throw new Error("the second tab reads the feed for itself");
  await other.evaluate(() => { window.mark = "not loaded again"; });

  await page.bringToFront();
  await part("pipeline-settings").click();
  await page.getByLabel("Name", { exact: true }).first().fill("Shop access logs");
  await save();
  await title.getByText("Shop access logs", { exact: true }).waitFor();
  if (await other.evaluate(() => window.mark) !== "not loaded again") throw new Error("the second tab was loaded again");

  // The tab that reads goes: the other one takes over.
  const before = feeds.length;
  await page.goto("about:blank");
  await meanwhileIn(other);
  await title.getByText("Shop logs", { exact: true }).waitFor();
  if (!feeds.slice(before).includes(other)) throw new Error("nobody took the feed over");
  await other.close();
}

/** Saves past the page, in another tab than the first. */
async function meanwhileIn(other) {
  await other.getByTestId("feed-state").getByText("Live", { exact: true }).waitFor();
  await other.evaluate(async () => {
    const session = await (await fetch("/api/v1/session")).json();
    const current = await fetch("/api/v1/pipelines/shop-logs");
    const headers = { "Content-Type": "application/json", "If-Match": current.headers.get("ETag"), "X-CSRF-Token": session.csrf_token };
    const body = JSON.stringify({ ...await current.json(), name: "Shop logs" });
    await fetch("/api/v1/pipelines/shop-logs", { method: "PUT", headers, body });
  });
}

/** Somebody else saves meanwhile: nothing is lost, and the page shows both. */
export async function conflict() {
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline-settings").click();
  await page.getByLabel("Description").fill("mine");
  await meanwhile("PUT", "/pipelines/shop-logs", (document) => ({ ...document, description: "theirs" }));
  await page.getByText("Somebody else saved this pipeline meanwhile.").waitFor();
  await picture("pipeline-meanwhile");
  await part("save").click();
  expect("status of 412");
  await part("save-confirm").click();
  await part("conflict").waitFor();
  await picture("pipeline-conflict");
  await page.getByRole("radio", { name: "Theirs" }).check();
  await part("conflict-continue").click();
  await part("conflict").waitFor({ state: "detached" });
  if (await page.getByLabel("Description").inputValue() !== "theirs") throw new Error("theirs was chosen and is not there");
}

/** Unsaved changes hold back who would leave them; the dialog that asks whether to delete. */
export async function questions() {
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline-settings").click();
  await page.getByLabel("Description").fill("not saved");
  await part("rail").getByRole("link", { name: "Destinations" }).click();
  await page.getByRole("heading", { name: "Leave without saving?" }).waitFor();
  await picture("leave-unsaved");
  await button("Stay").click();
  await part("sign-out").click();
  await page.getByRole("heading", { name: "Leave without saving?" }).waitFor();
  await button("Stay").click();
  await button("Discard").click();
  await button("Delete").click();
  await page.getByRole("heading", { name: "Delete this pipeline?" }).waitFor();
  await page.getByText("The collector that runs it gets a configuration without it.").waitFor();
  await picture("pipeline-delete");
  await button("Cancel").click();
  await show("/destinations/central", "destination", "destination-used");
}

const focused = (selector) => page.waitForFunction((selector) => document.activeElement.matches(selector), selector);

/** The editor by keyboard: what moves keeps the focus, and a click elsewhere closes a menu. */
export async function keyboard() {
  await go("/pipelines/shop-logs", "pipeline");
  await part("add-sources").click();
  await page.locator("details.add[open]").waitFor();
  await page.getByRole("heading", { level: 1 }).click();
  await page.locator("details.add[open]").waitFor({ state: "detached" });
  await part("add-processors").click();
  await part("lane-processors").locator(".add-menu button").first().click();
  await button("Move up").focus();
  await page.keyboard.press("Enter");
  await focused("[data-move=up]");
  await page.locator(".card-head").getByRole("button", { name: "Remove", exact: true }).focus();
  await page.keyboard.press("Enter");
  await focused(".chain .step[aria-pressed=true]");
  // Arrows go from lane to lane, and from row to row.
  await part("lane-sources").getByTestId("step").first().focus();
  await page.keyboard.press("ArrowRight");
  await focused("[data-testid=lane-filters] .step");
  await page.keyboard.press("ArrowLeft");
  await focused("[data-testid=lane-sources] .step");
  await go("/collectors", "collectors");
  await part("collector-row").nth(1).waitFor();
  await part("collector-row").first().getByRole("link").focus();
  await page.keyboard.press("ArrowDown");
  await focused("tbody tr:nth-child(2) a");
  await page.keyboard.press("Home");
  await focused("tbody tr:first-child a");
  await page.keyboard.press("/");
  await focused("[data-testid=filter]");
  await go("/pipelines/shop-logs", "pipeline");

  // On a small screen what is pressed opens far below, and is scrolled to.
  await page.setViewportSize({ width: 390, height: 844 });
  await part("lane-sources").getByTestId("step").first().click();
  await page.waitForFunction(() => {
    const { top } = document.querySelector("[data-testid=step-form]").getBoundingClientRect();
    return top > 0 && top < window.innerHeight / 2;
  });
  await page.setViewportSize({ width: 1360, height: 900 });
}

/** What goes wrong between page and server: said, tried again, and never done twice. */
export async function faults() {
  expect("status of 500", "net::ERR_FAILED", "status of 403", "status of 400");
  // What is typed as a matcher is one, and what is wrong with it is said.
  await go("/collectors", "collectors");
  await part("filter").fill("env=\"prod");
  await part("filter").press("Enter");
  await part("load-error").waitFor();
  await picture("collectors-wrong-matcher");
  if (await button("Try again").count() !== 0) throw new Error("a wrong matcher is offered another try");
  await page.getByRole("button", { name: "Remove matcher" }).click();
  await part("collector-row").first().waitFor();
  // Who would lose a pipeline is said before it is saved.
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline-settings").click();
  await page.getByLabel("Enabled", { exact: true }).uncheck();
  await part("save").click();
  await part("review").getByText("1 collector that runs it now stops doing so.").waitFor();
  await picture("pipeline-off-review");
  await button("Back to editing").click();
  await button("Discard").click();
  // What was added is filled in next.
  await part("add-filters").click();
  await part("lane-filters").locator(".add-menu button").first().click();
  await page.waitForFunction(() => document.activeElement.matches(".form-card .form :is(input, select, textarea)"));
  await button("Discard").click();
  // What an account may not see is said, and by what it would.
  const may_not = { ...fault, status: 403, body: JSON.stringify({ ...JSON.parse(fault.body), title: "Not allowed", status: 403, code: "forbidden", detail: "This needs the permission revisions:read." }) };
  const allowed = await instead("/revisions?limit=50", (route) => route.fulfill(may_not));
  await go("/history", "no-permission");
  await part("no-permission").getByText("revisions:read").waitFor();
  await picture("no-permission");
  await allowed();
  // What failed is tried again by hand.
  const mended = await instead("/revisions?limit=50", (route) => route.fulfill(fault));
  await go("/history", "load-error");
  await mended();
  await button("Try again").click();
  await part("revision-row").first().waitFor();
  // A save that fails behind a closed review comes back into sight.
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline-settings").click();
  await page.getByLabel("Description").fill("not saved");
  let fail;
  const held = new Promise((resolve) => { fail = resolve; });
  let honest = await instead("/pipelines/shop-logs", async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    await held;
    return route.fulfill(fault);
  });
  await part("save").click();
  await part("save-confirm").click();
  await page.keyboard.press("Escape");
  await part("review").waitFor({ state: "detached" });
  fail();
  await part("review").getByText("Not saved: Something broke").waitFor();
  await picture("save-failed");
  await honest();
  await button("Back to editing").click();
  await button("Discard").click();

  // A list that could not be loaded again is asked for until it is; the names of pipelines are asked for by the same path.
  await go("/pipelines", "pipelines");
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
  let faults = 0;
  honest = await instead("/pipelines?limit=500", (route) => (faults++ < 2 ? route.fulfill(fault) : route.continue()));
  await meanwhile("PUT", "/pipelines/shop-logs", (document) => ({ ...document, name: "Shop logs, again" }));
  await part("pipeline-row").getByText("Shop logs, again").waitFor();
  if (faults < 3) throw new Error("nothing failed");
  await honest();
  await meanwhile("PUT", "/pipelines/shop-logs", (document) => ({ ...document, name: "Shop logs" }));

  // The answer to a save is lost: saved again, it is the same save. What was typed and is secret is never shown.
  await go("/destinations/new", "destination");
  await chooseKind("OTLP over HTTP");
  await page.getByLabel("Name", { exact: true }).first().fill("Spare");
  await part("step-form").getByLabel("URL").first().fill("https://spare.example.com");
  const headers = page.getByRole("group", { name: "Headers" });
  while (await headers.getByRole("button", { name: "Remove" }).count() > 0) await headers.getByRole("button", { name: "Remove" }).first().click();
  for (const name of ["x-key", "x-key"]) {
    await headers.getByRole("button", { name: "Add" }).click();
    await headers.getByRole("textbox", { name: "Name" }).last().fill(name);
    await headers.getByRole("textbox", { name: "Value" }).last().fill("hunter2");
  }
  await headers.getByText("Another row has this name").first().waitFor();
  await picture("destination-name-twice");
  await headers.getByRole("button", { name: "Remove" }).last().click();
  await headers.getByText("Another row has this name").first().waitFor({ state: "detached" });
  let lost = 0;
  honest = await instead("/destinations", async (route) => {
    if (route.request().method() !== "POST" || lost++ > 0) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await part("save").click();
  await part("review").getByText("x-key").waitFor();
  if ((await part("review").textContent()).includes("hunter2")) throw new Error("a secret that was typed is shown");
  await picture("destination-secret-review");
  await part("save-confirm").click();
  await part("review").getByText("The server does not answer").waitFor();
  await part("save-confirm").click();
  await page.waitForURL(/\/destinations\/spare$/);
  await honest();
  if (lost < 2) throw new Error("no answer was lost");

  // Somebody deletes what is being edited: it can be saved as a new one.
  await page.getByLabel("Description").fill("kept here");
  const { etag } = await api("GET", "/destinations/spare");
  await api("DELETE", "/destinations/spare", undefined, { "If-Match": etag });
  await page.getByText("Somebody deleted this destination.").waitFor();
  await picture("destination-deleted");
  await button("Save as a new one").click();
  await page.getByText("Somebody deleted this destination.").waitFor({ state: "detached" });
  await headers.getByRole("button", { name: "Replace" }).click();
  await headers.getByRole("textbox", { name: "Value" }).fill("${env:KEY}");
  await save();
  await until("/destinations/spare", (document) => document.description === "kept here");
}

/** A commit by hand that cannot be read: its last good version stays, and is saved over it unchanged. */
export async function brokenFile() {
  await go("/destinations/spare", "destination");
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
  if (await part("save").isEnabled()) throw new Error("nothing is changed, and can be saved");
  await ask({ do: "commit-by-hand", path: "destinations/spare.yaml", text: "name: [Spare\n" });
  await page.getByText("The file in the repository is broken.").waitFor();
  await picture("destination-broken");
  await save();
  // What was said to one person is not read by the next. Lists that are asked for again meanwhile are refused.
  expect("status of 401");
  await part("toast").first().waitFor();
  await part("sign-out").click();
  await part("sign-in").waitFor();
  if (await part("toast").count() !== 0) throw new Error("a message of a session that ended stays");
  await signIn();
  await part("rail").waitFor();
  await until("/destinations/spare", ({ broken, description }) => !broken && description === "kept here");
  await go("/destinations/spare", "destination");
  await page.getByText("The file in the repository is broken.").waitFor({ state: "detached" });
}

/** No server: what is shown stays with its age, what cannot be loaded says so. */
export async function noServer() {
  await go("/", "overview");
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
  expect("net::ERR_");
  await ask({ do: "stop-server" });
  await part("feed-state").getByText("Not live").waitFor();
  await part("rail").getByRole("link", { name: "Pipelines" }).click();
  await part("load-error").waitFor();
  await picture("no-connection");
  await button("Try again").waitFor();
  await ask({ do: "start-server" });
  // It comes back by itself, with all that it could not ask for.
  await part("pipeline-row").getByText("Central", { exact: true }).waitFor();
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
}

export async function everyPage() {
  for (const [path, id] of [["/", "overview"], ["/collectors", "collectors"], ["/pipelines", "pipelines"], ["/destinations", "destinations"], ["/history", "history"]]) {
    await show(path, id);
  }
  for (const [path, id] of [["/pipelines", "pipelines"], ["/destinations", "destinations"]]) {
    await go(path, id);
    await part("filter").fill("nothing is called that");
    await part("no-row").waitFor();
  }
  await page.keyboard.press("Control+k");
  await part("palette").waitFor();
  await page.keyboard.type("shop");
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction(() => {
    const named = document.querySelector("[data-testid=palette] input").getAttribute("aria-activedescendant");
    return document.getElementById(named)?.getAttribute("aria-selected") === "true";
  });
  await picture("palette");
  await page.keyboard.press("Escape");
  await part("theme-switch").click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await part("rail").waitFor();
}

async function signIn() {
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await button("Sign in").click();
}

/** The session ends under a page that is being worked on: what was typed is kept. */
export async function expiry() {
  await go("/pipelines/shop-logs", "pipeline");
  await part("pipeline-settings").click();
  const description = page.getByLabel("Description");
  await description.fill("typed before");
  expect("status of 401");
  await forgetSession();
  await description.fill("typed before the session ended");
  await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
  await picture("session-ended");
  await signIn();
  await part("sign-in").waitFor({ state: "detached" });
  if (await description.inputValue() !== "typed before the session ended") throw new Error("what was typed is lost");
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
  await save();
}

/** The session is ended elsewhere: what was changed until somebody signed in again shows, in every tab, and both save. */
export async function gap() {
  await go("/pipelines/shop-logs", "pipeline");
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
  const other = await tab();
  await other.goto(`${origin}/destinations/spare`);
  await other.getByTestId("feed-state").getByText("Live", { exact: true }).waitFor();
  await other.getByLabel("Description").fill("typed in the other tab");
  expect("status of 401", "status of 403");
  const { status } = await api("DELETE", "/session");
  if (status !== 204) throw new Error(`signing out was answered with ${status}`);
  const ended = (tab) => tab.getByRole("heading", { name: "Your session has ended" });
  await ended(page).waitFor();
  await ended(other).waitFor();
  await elsewhere("PUT", "/pipelines/shop-logs", (document) => ({ ...document, name: "Shop logs, meanwhile" }));
  await page.bringToFront();
  await signIn();
  await page.getByRole("heading", { level: 1 }).getByText("Shop logs, meanwhile").waitFor();
  await ended(other).waitFor({ state: "detached" });
  await other.getByTestId("save").click();
  await other.getByTestId("save-confirm").click();
  await other.getByTestId("review").waitFor({ state: "detached" });
  await until("/destinations/spare", (document) => document.description === "typed in the other tab");
  await other.close();
}

/** Out and in again. */
export async function outAndIn() {
  await go("/pipelines", "pipelines");
  await part("sign-out").click();
  await part("sign-in").waitFor();
  await picture("sign-in");
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("not the password");
  await button("Sign in").click();
  await page.getByRole("alert").waitFor();
  await picture("sign-in-refused");
  await signIn();
  await part("rail").waitFor();
}
