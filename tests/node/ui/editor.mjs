// What the editor of a pipeline does beside saving: choosing kinds, conditions of destinations.
import { button, go, openTab, page, part, picture } from "./stage.mjs";

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
  await part("lane-sources").getByText("Host metrics").waitFor();
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
