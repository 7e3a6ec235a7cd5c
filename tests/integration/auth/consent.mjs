// A person in front of Chromium: opens an address, presses a button, and reads what the last page says.
// Run where puppeteer-core is installed; BROWSER names the browser, the arguments are the address and the button.
import puppeteer from "puppeteer-core";

const [url, decision] = process.argv.slice(1);
const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  await page.goto(url);
  const asked = await page.$eval("h1", (heading) => heading.textContent);
  await Promise.all([page.waitForNavigation(), page.click(`button[value=${decision}]`)]);
  const text = await page.$eval("body", (body) => body.innerText);
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  console.log(JSON.stringify({ asked, text, url: page.url().split("?")[0] }));
} finally {
  await browser.close();
}
