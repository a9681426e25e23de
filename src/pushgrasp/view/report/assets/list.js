"use strict";
// The list of trials: filters, order, pages; each row is a button.

const PAGE = matchMedia("(max-width: 44rem)").matches ? 25 : 100;
const COLUMNS = [
  {name: "policy", title: "Policy", value: trial => trial[T.policy]},
  {name: "group", title: "Scenes", value: trial => trial[T.group]},
  {name: "index", title: "Trial", value: trial => trial[T.index]},
  {name: "outcome", title: "Outcome", value: trial => -trial[T.success]},
  {name: "cause", title: "Why it ended", value: trial => trial[T.cause] ?? -1},
  {name: "actions", title: "Actions", value: trial => trial[T.actions]},
  {name: "visible", title: "Visible", value: trial => trial[T.visible_fraction]},
  {name: "time", title: "Wall time", value: trial => trial[T.wall_s]},
];
const OUTCOMES = {
  retrieved: trial => trial[T.success],
  "not retrieved": trial => !trial[T.success],
  "wrong claim": trial => trial[T.claimed_success] && !trial[T.success],
  "missed claim": trial => trial[T.success] && !trial[T.claimed_success],
  "simulator fault before": trial => trial[T.faults].length > 0,
};
const state = {shown: [], page: 0, sort: "", down: false, open: new Set()};
const form = document.getElementById("filters");
const rows = document.getElementById("rows");
const haystacks = [];

/** Return all words of a trial in lower case; joined at the first search. */
function haystack(place) {
  const trial = data.trials[place];
  return haystacks[place] ??= [
    data.policies[trial[T.policy]], trialName(trial), trial[T.goal], trial[T.reason],
    trial[T.cause] === null ? "" : data.causes[trial[T.cause]], trial[T.seed], ...trial[T.faults],
  ].join("\n").toLowerCase();
}

/** Select and sort the trials to show; go to the first page. */
function select() {
  const {policy, group, outcome, cause, text} = form.elements;
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const is = (element, value) => element.value === "" || Number(element.value) === value;
  state.shown = [...data.trials.keys()].filter(place => {
    const trial = data.trials[place];
    return is(policy, trial[T.policy]) && is(group, trial[T.group]) && is(cause, trial[T.cause])
      && (outcome.value === "" || OUTCOMES[outcome.value](trial))
      && words.every(word => haystack(place).includes(word));
  });
  const column = COLUMNS.find(one => one.name === state.sort);
  if (column) {
    const sign = state.down ? -1 : 1;
    const key = place => column.value(data.trials[place]) ?? Infinity;
    const keys = new Map(state.shown.map(place => [place, key(place)]));
    state.shown.sort((a, b) => sign * (keys.get(a) - keys.get(b)) || a - b);
  }
  state.page = 0;
  show();
}

function show() {
  const first = PAGE * state.page, places = state.shown.slice(first, first + PAGE);
  rows.replaceChildren(...places.map(row));
  const n = state.shown.length, all = data.trials.length;
  const some = n === all ? plural(all, "trial") : `${n.toLocaleString("en")} of ${plural(all, "trial")}`;
  document.getElementById("count").textContent =
    all === 0 ? "No trial has been played yet." : n === 0 ? "No trial matches." : some;
  const pager = document.getElementById("pager");
  pager.hidden = n <= PAGE;
  pager.querySelector("span").textContent =
    `${(first + 1).toLocaleString("en")} to ${(first + places.length).toLocaleString("en")}`;
  const [back, on] = pager.querySelectorAll("button");
  back.disabled = first === 0;
  on.disabled = first + PAGE >= n;
  for (const head of document.querySelectorAll("#heads button")) {
    const mine = head.dataset.sort === state.sort;
    head.setAttribute("aria-pressed", String(mine));
    head.querySelector("span").textContent = mine ? (state.down ? " ↓" : " ↑") : "";
  }
}

function row(place) {
  const trial = data.trials[place], style = data.styles[trial[T.policy]];
  const cell = (name, ...children) => make("span", {class: `cell ${name}`}, ...children);
  const good = trial[T.success], wrong = trial[T.claimed_success] !== good;
  const outcome = make("span", {class: good ? "good" : "bad"},
    good ? "✓ retrieved" : "✗ not retrieved");
  const why = good ? (wrong ? "missed claim" : "") : data.causes[trial[T.cause]];
  const button = make("button", {type: "button", class: "row", "aria-expanded": "false",
    "data-place": place},
    cell("policy", make("i", {class: `swatch s${style}`}), data.policies[trial[T.policy]]),
    cell("group", data.groups[trial[T.group]]), cell("index", String(trial[T.index])),
    cell("outcome", outcome), cell("cause", why),
    cell("actions", String(trial[T.actions]), make("span", {class: "unit"},
      trial[T.actions] === 1 ? " action" : " actions")),
    cell("visible", percent(trial[T.visible_fraction])),
    cell("time", seconds(trial[T.wall_s])));
  const item = make("li", {}, button);
  if (state.open.has(place)) expand(item, button, place);
  return item;
}

function expand(item, button, place) {
  item.append(openedTrial(place));
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-controls", `opened-${place}`);
}

function toggle(button) {
  const place = Number(button.dataset.place), item = button.parentElement;
  if (state.open.delete(place)) {
    item.lastElementChild.remove();
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
    remember(null);
  } else {
    state.open.add(place);
    expand(item, button, place);
    remember(place);
  }
}

/** Name the opened trial in the page's address, so that it can be passed on. */
function remember(place) {
  const trial = data.trials[place];
  const words = trial && [data.policies[trial[T.policy]], data.groups[trial[T.group]], trial[T.index]];
  const hash = words ? `#trial/${words.map(encodeURIComponent).join("/")}` : "#list";
  history.replaceState(null, "", hash);
}

/** Open the trial that the page's address names, if it names one. */
function recall() {
  const [kind, ...words] = location.hash.slice(1).split("/");
  if (kind !== "trial" || words.length !== 3) return;
  const [policy, group, index] = words.map(decodeURIComponent);
  const place = data.trials.findIndex(trial => data.policies[trial[T.policy]] === policy
    && data.groups[trial[T.group]] === group && String(trial[T.index]) === index);
  if (place < 0) return;
  state.open.add(place);
  state.page = Math.floor(state.shown.indexOf(place) / PAGE);
  show();
  rows.querySelector(`[data-place="${place}"]`).scrollIntoView();
}
