// The page itself: live in every tab, careful with what was typed, by keyboard, at night, out and in again.
import { ask, button, expect, feeds, forgetSession, go, meanwhile, origin, page, part, person, picture, save, show, tab } from "./stage.mjs";

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
  await button("Discard").click();
  await button("Delete").click();
  await page.getByRole("heading", { name: "Delete this pipeline?" }).waitFor();
  await picture("pipeline-delete");
  await button("Cancel").click();
  await show("/destinations/central", "destination", "destination-used");
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
  await ask({ do: "start-server" });
  await button("Try again").click();
  await part("pipeline-row").first().waitFor();
  await part("feed-state").getByText("Live", { exact: true }).waitFor();
}

export async function everyPage() {
  for (const [path, id] of [["/", "overview"], ["/collectors", "collectors"], ["/pipelines", "pipelines"], ["/destinations", "destinations"], ["/history", "history"]]) {
    await show(path, id);
  }
  await page.keyboard.press("Control+k");
  await part("palette").waitFor();
  await page.keyboard.type("shop");
  await picture("palette");
  await page.keyboard.press("Escape");
  await part("theme-switch").click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
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
