// The browser, what it complains about, its pictures, and the way to whoever plays the world around the page.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const task = JSON.parse(process.argv[2]);
export const person = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };
export const origin = new URL(task.setupUrl).origin;

mkdirSync(task.pictures, { recursive: true });
// Pictures of an earlier walk would pass for those of this one.
for (const file of readdirSync(task.pictures)) if (file.endsWith(".png")) rmSync(join(task.pictures, file));

export const browser = await chromium.launch({
  executablePath: task.browser,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const WIDE = { width: 1360, height: 900 };
const NARROW = { width: 390, height: 844 };
const context = await browser.newContext({ viewport: WIDE, colorScheme: "light" });

await context.grantPermissions(["clipboard-read", "clipboard-write"]);

/** Whatever the browser complains about is a defect, but for what the walk itself provokes. */
export const complaints = [];
const expected = new Set();

/** What may be logged from now on, until what is returned is called: the texts are part of the message. */
export function expect(...texts) {
  texts.forEach((text) => expected.add(text));
  return () => texts.forEach((text) => expected.delete(text));
}

/** Requests for the feed, by the tab that made them. */
export const feeds = [];

context.on("page", (page) => {
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    const text = `${message.text()} ${message.location().url}`;
    const is_expected = [...expected].some((known) => text.includes(known));
    if (message.type() === "error" && !is_expected) complaints.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (url.endsWith("/api/v1/events")) feeds.push(page);
    const is_own = [origin, "data:", "blob:", "about:"].some((start) => url.startsWith(start));
    if (!is_own) complaints.push(`asks ${url}`);
  });
});

export const page = await context.newPage();

/** Another tab of the same browser. */
export const tab = () => context.newPage();
export const forgetSession = () => context.clearCookies();

export const part = (id) => page.getByTestId(id);
export const button = (name) => page.getByRole("button", { name, exact: true });

/** Adds a row to a list of fields; what is typed next goes into its first one. */
export async function addRow(name, field) {
  await button(name).click();
  await field.waitFor();
  await page.waitForFunction((field) => document.activeElement === field, await field.elementHandle());
}

/** Chooses the kind of a destination, found by typing a part of its name, by keyboard alone. */
export async function chooseKind(name) {
  await part("kind").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.matches(".add-menu input"));
  await page.keyboard.type(name);
  await page.locator(".add-menu button").first().getByText(name).first().waitFor();
  await page.keyboard.press("Enter");
  await part("kind").getByText(name).waitFor();
  await page.waitForFunction(() => document.activeElement.matches("[data-testid=kind]"));
}

let number = 0;

/** What sticks out of the window, if anything does. Texts of configuration scroll within their own frame. */
async function overflow() {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return null;
    const wide = [...document.querySelectorAll("body *")].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.width > 0 && box.right > width + 1 && !element.closest(".scroll, .code, .tabs, .pal");
    });
    return wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 200)).join("\n") || "something";
  });
}

/** Takes the page as it is: by day, at night, and on a small screen. */
export async function picture(name) {
  number += 1;
  const stem = `${String(number).padStart(2, "0")}-${name}`;
  const theme = await page.evaluate(() => document.documentElement.dataset.theme);
  // What is behind a dialog is as large as the window.
  const fullPage = await page.locator("dialog[open]").count() === 0;
  // Where the page was scrolled to is no part of its look.
  await page.evaluate(() => window.scrollTo(0, 0));
  for (const [suffix, look, size] of [["", "light", WIDE], ["-dark", "dark", WIDE], ["-small", "light", NARROW]]) {
    await page.setViewportSize(size);
    await page.evaluate((look) => { document.documentElement.dataset.theme = look; }, look);
    await page.screenshot({ path: join(task.pictures, `${stem}${suffix}.png`), fullPage, animations: "disabled" });
    const wide = await overflow();
    if (wide) complaints.push(`${stem}${suffix} is wider than its window: ${wide}`);
  }
  await page.setViewportSize(WIDE);
  await page.evaluate((theme) => { document.documentElement.dataset.theme = theme; }, theme);
}

export async function go(path, id) {
  await page.goto(origin + path);
  await part(id).first().waitFor();
}

/** Looks at a page and takes a picture of it. */
export async function show(path, id, name = id) {
  await go(path, id);
  await page.waitForFunction(() => document.querySelector(".bones[aria-label=Loading]") === null);
  await picture(name);
}

/** Opens a part of a collector's page. */
export const openTab = (name) => page.getByRole("tab", { name, exact: true }).click();

/** Saves what is being edited, through the dialog that shows the change. */
export async function save(name) {
  await part("save").click();
  await part("review").waitFor();
  if (name) await picture(`${name}-review`);
  await part("save-confirm").click();
  await part("review").waitFor({ state: "detached" });
}

/** Waits for a word of state on a collector's page. */
export const state = (word) => part("config-state").getByText(word, { exact: true }).waitFor();

/** A request of the person who is signed in, past the page. */
export async function api(method, path, body, headers = {}) {
  return page.evaluate(async ({ method, path, body, headers }) => {
    const session = await (await fetch("/api/v1/session")).json();
    const all = { "X-CSRF-Token": session.csrf_token, ...headers };
    if (body !== undefined) all["Content-Type"] = "application/json";
    const answer = await fetch(`/api/v1${path}`, { method, headers: all, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, etag: answer.headers.get("ETag"), body: text && JSON.parse(text) };
  }, { method, path, body, headers });
}

/** Somebody else changes a document meanwhile. */
export async function meanwhile(method, path, change) {
  const { body, etag } = await api("GET", path);
  const answer = await api(method, path, change(body), { "If-Match": etag });
  if (answer.status !== 200) throw new Error(`the other save was answered with ${answer.status}`);
}

/** Somebody else signs in on another machine and changes a document. */
export async function elsewhere(method, path, change) {
  const json = { "Content-Type": "application/json" };
  const body = JSON.stringify({ email: person.email, password: person.password });
  const signed = await fetch(`${origin}/api/v1/session`, { method: "POST", headers: json, body });
  const { csrf_token } = await signed.json();
  const own = { Cookie: signed.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; "), "X-CSRF-Token": csrf_token };
  const current = await fetch(`${origin}/api/v1${path}`, { headers: own });
  const headers = { ...json, ...own, "If-Match": current.headers.get("ETag") };
  const answer = await fetch(`${origin}/api/v1${path}`, { method, headers, body: JSON.stringify(change(await current.json())) });
  if (!answer.ok) throw new Error(`the save elsewhere was answered with ${answer.status}`);
}

/** Answers requests in place of the server, until it says that it did so. */
export async function instead(path, answer) {
  const pattern = (url) => `${url.pathname}${url.search}` === `/api/v1${path}`;
  await page.route(pattern, answer);
  return () => page.unroute(pattern, answer);
}

/** A fault of the server, as the server would tell it. */
export const fault = {
  status: 500,
  contentType: "application/problem+json",
  body: JSON.stringify({ type: "about:blank", title: "Something broke", status: 500, detail: "On purpose.", code: "internal", request_id: "r-1" }),
};

/** Waits until the API says what it should. */
export async function until(path, holds) {
  for (let turn = 0; turn < 600; turn += 1) {
    const { body } = await api("GET", path);
    if (holds(body)) return body;
    await page.waitForFunction((since) => performance.now() - since > 100, await page.evaluate(() => performance.now()));
  }
  throw new Error(`${path} never came to say what it should`);
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has something done outside of the page, and waits until it is done. */
export async function ask(event) {
  console.log(JSON.stringify(event));
  await answers.next();
}
