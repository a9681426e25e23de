"use strict";
// One trial, opened: what it came to, and its steps with their pictures.
// All text goes into the page as text: nothing here is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";
const data = JSON.parse(document.getElementById("trials").textContent);
const places = names => Object.fromEntries(names.map((name, i) => [name, i]));
const T = places(data.trial), S = places(data.step);

function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(child => child !== null));
  return element;
}

const isNumber = value => typeof value === "number" && Number.isFinite(value);
const fixed = (value, digits = 2) => isNumber(value) ? value.toFixed(digits) : "–";
const percent = value => isNumber(value) ? `${(100 * value).toFixed(0)} %` : "–";
const seconds = value =>
  !isNumber(value) ? "–" : value < 1 ? `${(1000 * value).toFixed(0)} ms` : `${value.toFixed(1)} s`;
const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

function trialName(trial) {
  return `${data.groups[trial[T.group]]}:${trial[T.index]}`;
}

/** What an opened row shows of the trial with this place in the data. */
function openedTrial(place) {
  const trial = data.trials[place], steps = trial[T.steps];
  const cards = steps.map((step, i) => stepCard(place, trial, step, i));
  const idle = idleCard(place, trial);
  if (idle) cards.push(idle);
  const list = make("ol", {class: "steps"}, ...cards);
  const image = stripImage(place);
  if (image) list.style.setProperty("--strip", image);
  const note = image || !cards.length ? null : make("p", {class: "mute"},
    "Drawn from the record: the action in the workspace, seen from above. The command above " +
    "plays this trial again, with pictures and a film.");
  return make("div", {class: "opened", id: `opened-${place}`},
    make("p", {class: "verdict"}, verdict(trial)), facts(trial), note,
    cards.length ? list : make("p", {class: "mute"}, "No action was taken."));
}

function verdict(trial) {
  const actions = plural(trial[T.actions], "action");
  if (trial[T.success] && trial[T.claimed_success]) return `Retrieved after ${actions}.`;
  if (trial[T.success]) {
    return `The goal is out after ${actions}, but the robot did not notice: ${trial[T.reason]}.`;
  }
  if (trial[T.claimed_success]) {
    return `Not retrieved: after ${actions} the robot wrongly believes that it has the goal.`;
  }
  return `Not retrieved after ${actions}: ${trial[T.reason]}.`;
}

function facts(trial) {
  const pushes = trial[T.pushes], grasps = trial[T.actions] - pushes;
  const rows = [
    ["Goal", goalName(trial)], ["Visible at the start", percent(trial[T.visible_fraction])],
    ["Pushes", String(pushes)], ["Grasps", `${grasps}, ${trial[T.good_grasps]} lifted an object`],
    ["Seed of the scene", String(trial[T.seed])],
    ["Median decision", seconds(trial[T.decision_s])], ["Robot’s time", seconds(trial[T.robot_s])],
    ["Wall time", seconds(trial[T.wall_s])],
  ];
  if (trial[T.refusals]) rows.push(["Actions refused", String(trial[T.refusals])]);
  if (trial[T.faults].length) rows.push(["Simulator faults before", trial[T.faults].join("; ")]);
  const words = ["pushgrasp replay", quoted(data.folders[trial[T.folder]]), quoted(trialName(trial)),
    "--policy", quoted(data.policies[trial[T.policy]])];
  rows.push(["Replay", make("code", {}, words.join(" "))]);
  return make("dl", {class: "details"},
    ...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** The goal's colour, if it is known, and its name. */
function goalName(trial) {
  const rgb = trial[T.goal_rgb];
  if (!rgb) return trial[T.goal];
  const swatch = make("i", {class: "swatch goal-color"});
  swatch.style.background = rgb;
  return make("span", {}, swatch, ` ${data.colors[rgb] ?? rgb} (${trial[T.goal]})`);
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\"'\"'")}'`;
}

function stepCard(place, trial, step, i) {
  const push = step[S.primitive] === "push", goal = step[S.target_is_goal];
  const title = push ? (goal ? "Push to free the goal" : "Push to uncover the goal")
    : goal ? "Grasp the goal" : "Grasp another object";
  const good = step[S.executed] && (push ? step[S.changed] : step[S.holding]);
  // The chosen action's value, and the others that it was compared with.
  const others = [[push ? "best grasp" : "without clearing first", step[S.q_grasp]],
    ["best push", step[S.q_push]]].filter(([, value]) => value !== step[S.q]);
  const q = [["Q", step[S.q]], ...others]
    .filter(([, value]) => isNumber(value)).map(([name, value]) => `${name} ${fixed(value)}`);
  const seen = `the goal shows ${step[S.goal_visible_px]} pixels`;
  const times = `${seconds(step[S.decision_s])} to decide, ${seconds(step[S.action_s])} to act`;
  return make("li", {class: "step"},
    picture(place, trial, step, i, `Decision ${i + 1}: ${title}`),
    make("h4", {}, make("span", {class: "mute"}, String(i + 1)), ` ${title}`),
    make("p", {class: good ? "good" : "bad"}, `${good ? "✓" : "✗"} ${outcome(step, push)}`),
    truth(step, push),
    step[S.why] ? make("p", {}, step[S.why]) : null,
    make("p", {class: "mute"}, [...q, seen, times].join(" · ")));
}

function outcome(step, push) {
  if (!step[S.executed]) return "stopped early";
  if (push) return step[S.changed] ? "the scene changed" : "nothing changed";
  if (step[S.holds_goal]) return "holds the goal";
  if (step[S.holding]) return "holds another object";
  return `holds nothing${step[S.changed] ? ", the scene changed" : ""}`;
}

/** Where the simulator's truth differs from what the robot believes. */
function truth(step, push) {
  if (push || step[S.lifted] === step[S.holding]) return null;
  const words = step[S.lifted] ? "Ground truth: the gripper lifted an object." : "Ground truth: it lifted nothing.";
  return make("p", {class: "bad"}, words);
}

/** The last look of a trial that ended with nothing to do, if there is a picture of it. */
function idleCard(place, trial) {
  const n = trial[T.steps].length;
  if (!trial[T.reason].startsWith("nothing to do") || !hasPicture(place, n)) return null;
  return make("li", {class: "step"}, stripPicture(place, n, `Decision ${n + 1}: nothing to do`),
    make("h4", {}, make("span", {class: "mute"}, String(n + 1)), " Nothing to do"),
    make("p", {class: "bad"}, `✗ ${trial[T.reason]}`));
}

function picture(place, trial, step, i, label) {
  return hasPicture(place, i) ? stripPicture(place, i, label) : schema(trial, step, label);
}

function strip(place) {
  return document.getElementById(`strip-${place}`);
}

function stripImage(place) {
  const found = strip(place);
  return found && `url("data:image/webp;base64,${found.textContent}")`;
}

function hasPicture(place, i) {
  const found = strip(place);
  return Boolean(found) && i < found.dataset.columns * found.dataset.rows;
}

function stripPicture(place, i, label) {
  const {columns, rows} = strip(place).dataset;
  const part = (k, n) => n > 1 ? `${100 * k / (n - 1)}%` : "0%";
  const element = make("div", {class: "picture", role: "img", "aria-label": label});
  element.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  element.style.backgroundPosition =
    `${part(i % columns, columns)} ${part(Math.floor(i / columns), rows)}`;
  return element;
}

/** How far a point may move along a direction before it leaves the workspace, m. */
function room(point, along, low, size) {
  const rooms = point.map((p, i) => Math.abs(along[i]) < 1e-9 ? Infinity
    : (low[i] + (along[i] > 0 ? size : 0) - p) / along[i]);
  return Math.max(Math.min(...rooms), 0);
}

/** Where a push began and ended behind and before its point, m: as measured, or as planned. */
function pushEnds(step, [x0, y0, size]) {
  const point = step[S.position].slice(0, 2), yaw = step[S.yaw];
  const along = [Math.cos(yaw), Math.sin(yaw)], path = step[S.path];
  if (path) return path.map(xy => (xy[0] - point[0]) * along[0] + (xy[1] - point[1]) * along[1]);
  const [behind, length] = data.push, low = [x0, y0];
  const start = -Math.min(behind, room(point, along.map(a => -a), low, size));
  const from = point.map((p, i) => p + start * along[i]);
  return [start, start + Math.min(length, room(from, along, low, size))];
}

/** The workspace from above, the camera below it, with the action's place and direction. */
function schema(trial, step, label) {
  const [x0, y0, size] = data.workspaces[trial[T.folder]], [x, y] = step[S.position] ?? [];
  const yaw = step[S.yaw], px = 144 / size;
  const sheet = draw("svg", {class: "picture schema", viewBox: "0 0 144 144", role: "img",
    "aria-label": `${label}, drawn from the record`});
  for (const k of [36, 72, 108]) {
    sheet.append(draw("path", {class: "thin", d: `M${k} 0V144M0 ${k}H144`}));
  }
  if (![x, y, yaw].every(isNumber)) {
    sheet.append(draw("text", {x: 72, y: 76, "text-anchor": "middle"}, "no position recorded"));
    return sheet;
  }
  const place = `translate(${(x - x0) * px} ${144 - (y - y0) * px}) rotate(${-yaw * 180 / Math.PI})`;
  const turned = draw("g", {transform: `rotate(${-90 * data.quarters[trial[T.folder]]} 72 72)`});
  const action = draw("g", {transform: place, class: step[S.target_is_goal] ? "goal" : "other"});
  if (step[S.primitive] === "push") {
    const [start, end] = pushEnds(step, data.workspaces[trial[T.folder]]).map(s => s * px);
    action.append(draw("path", {d: `M${start} 0H${end - 4}`}),
      draw("path", {class: "solid", d: `M${end} 0l-9 5v-10z`}),
      draw("circle", {class: "solid", r: 2.5}));
  } else {
    const [width, thick, broad] = data.jaws[trial[T.folder]].map(length => length * px);
    action.append(draw("path", {d: `M${-width / 2} 0H${width / 2}`}));
    for (const left of [-width / 2 - thick, width / 2]) {
      action.append(draw("rect", {class: "solid", x: left, y: -broad / 2, width: thick,
        height: broad}));
    }
  }
  turned.append(action);
  sheet.append(turned);
  return sheet;
}
