import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";

/** Icons of the installed page, drawn from the favicon. A maskable icon has the sign within the inner circle. */
const ICONS = {
  "icon-192": { size: 192, margin: 0 },
  "icon-512": { size: 512, margin: 0 },
  "icon-maskable-512": { size: 512, margin: 80 },
};

/** Draws the icons into `ui/public`. */
export async function drawIcons(browser: Browser): Promise<void> {
  const folder = join(process.cwd(), "ui/public");
  const sign = readFileSync(join(folder, "favicon.svg")).toString("base64");
  for (const [name, { size, margin }] of Object.entries(ICONS)) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(
      `<body style="margin:0;background:#09090e"><img style="display:block;margin:${margin}px" width="${size - 2 * margin}" src="data:image/svg+xml;base64,${sign}">`,
    );
    await page.locator("img").evaluate((image: HTMLImageElement) => image.decode());
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.close();
  }
}
