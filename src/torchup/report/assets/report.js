"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  const theme = document.querySelector("#theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    theme.setAttribute("aria-pressed", String(!dark));
  });

  const controls = document.querySelector("#controls");
  const items = all("[data-workload]");
  const count = document.querySelector("#count");
  if (controls) {
    controls.hidden = false;
    const apply = () => {
      const words = controls.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const workload = controls.elements.workload.value;
      const device = controls.elements.device.value;
      const published = controls.elements.published.checked;
      for (const item of items) {
        const data = item.dataset;
        item.hidden = Boolean(
          (workload && data.workload !== workload) ||
          (device && data.device !== device) ||
          (!published && data.published === "yes") ||
          words.some((word) => !data.words.toLowerCase().includes(word)));
      }
      for (const group of all("[data-group]:not([data-workload])")) {
        group.hidden = all("[data-workload]", group).every((item) => item.hidden);
      }
      const rows = all("#all tbody tr");
      count.textContent = `${rows.filter((row) => !row.hidden).length} / ${rows.length}`;
    };
    controls.addEventListener("input", apply);
    controls.addEventListener("reset", () => setTimeout(apply));
    controls.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }

  const value = (row, column) => {
    const cell = row.cells[column];
    const number = cell.dataset.value;
    return number === undefined ? cell.textContent : number === "" ? Infinity : Number(number);
  };
  for (const button of all("th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const table = head.closest("table");
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of all("th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const column = head.cellIndex;
      const rows = Array.from(table.tBodies[0].rows);
      rows.sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        const order = typeof x === "number" && typeof y === "number" ? x - y || 0 : String(x).localeCompare(String(y));
        return up ? order : -order;
      });
      table.tBodies[0].append(...rows);
    });
  }
})();
