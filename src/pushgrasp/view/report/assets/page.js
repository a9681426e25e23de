"use strict";
// What happens when: the controls of the list, the keyboard, the address, printing.

function choices(select, all, names, values = names.keys()) {
  const given = [...values];
  select.append(make("option", {value: ""}, all),
    ...names.map((name, i) => make("option", {value: given[i]}, name)));
}

const controls = form.elements;
choices(controls.policy, "all", data.policies);
choices(controls.group, "all", data.groups);
choices(controls.outcome, "all", Object.keys(OUTCOMES), Object.keys(OUTCOMES));
const occurring = new Set(data.trials.map(trial => trial[T.cause]));
const causes = [...data.causes.keys()].filter(i => occurring.has(i));
choices(controls.cause, "all", causes.map(i => data.causes[i]), causes);
choices(controls.sort, "as played", COLUMNS.flatMap(({title}) => [title, `${title}, downwards`]),
  COLUMNS.flatMap(({name}) => [name, `-${name}`]));

const heads = document.getElementById("heads");
for (const {name, title} of COLUMNS) {
  heads.append(make("button", {type: "button", "data-sort": name, class: `cell ${name}`}, title,
    make("span", {"aria-hidden": "true"})));
}
form.hidden = heads.hidden = data.trials.length === 0;

function sortBy(name, down) {
  [state.sort, state.down] = [name, down];
  controls.sort.value = (down ? "-" : "") + name;
  select();
}

heads.addEventListener("click", event => {
  const head = event.target.closest("button");
  if (head) sortBy(head.dataset.sort, head.dataset.sort === state.sort && !state.down);
});
form.addEventListener("input", () => {
  const {value} = controls.sort;
  sortBy(value.replace("-", ""), value.startsWith("-"));
});
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => sortBy("", false)));
rows.addEventListener("click", event => {
  const button = event.target.closest("button.row");
  if (button) toggle(button);
});

// Up and down go from row to row, Escape closes the row.
rows.addEventListener("keydown", event => {
  const item = event.target.closest("#rows > li");
  const button = item?.querySelector("button.row");
  const other = {ArrowDown: item?.nextElementSibling, ArrowUp: item?.previousElementSibling};
  if (event.key === "Escape" && button?.getAttribute("aria-expanded") === "true") {
    toggle(button);
    button.focus();
  } else if (event.target === button && other[event.key]) {
    event.preventDefault();
    other[event.key].querySelector("button.row").focus();
  }
});
document.getElementById("pager").addEventListener("click", event => {
  const step = Number(event.target.dataset.go);
  if (!step) return;
  state.page += step;
  show();
  document.getElementById("list").scrollIntoView();
});
// Where nothing can hover, a tap on a mark shows its numbers at the screen's lower edge.
const readout = document.getElementById("readout");
document.getElementById("plots").addEventListener("click", event => {
  let part = event.target;
  while (part instanceof SVGElement && !part.querySelector(":scope > title")) part = part.parentNode;
  const words = part instanceof SVGElement && part.querySelector(":scope > title")?.textContent;
  readout.hidden = !words;
  readout.textContent = words || "";
});
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
window.addEventListener("hashchange", recall);
// The pictures come after this script: a row that was opened meanwhile gets its own now.
document.addEventListener("DOMContentLoaded", () => {
  if (state.open.size) show();
});

select();
recall();
performance.mark("listed");
