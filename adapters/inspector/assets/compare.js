// Where two recordings part, their time lines on one axis, and how their messages differ at the end.

function comparisonOf({ differences, same, first }, [a, b]) {
  const both = [a, b];
  const names = both.map((inspector) => element("th", { scope: "col" }, visible(inspector.stream.about.name)));
  const jump = (inspector, event) => (event ? button(`event ${number(event)}`, () => inspector.goTo(event), { class: "link" }) : "–");
  const place = (i, name) => (first.events[i] ? [jump(both[i], first.events[i]), ` of the ${name}`] : `absent from the ${name}`);
  const part = first
    ? element(
        "p.parting",
        "They part at ",
        element("code", visible(pathText(first.path))),
        first.offset === null ? "" : `, character ${number(first.offset)}`,
        ": ",
        place(0, "first"),
        ", ",
        place(1, "second"),
        ". ",
        button("Go there in both", () => {
          both.forEach((inspector, i) => first.events[i] && inspector.goTo(first.events[i]));
        }),
      )
    : element("p.parting", same ? "Both lead to the same message." : "Their contents are the same.");
  const rows = differences.map(({ path, values, events }) =>
    element(
      "tr",
      element("th", { scope: "row" }, element("code", visible(pathText(path)))),
      values.map((value, i) =>
        element("td", value === null ? element("span.more", "absent") : [element(i ? "ins" : "del", visible(value)), " ", jump(both[i], events[i])]),
      ),
    ),
  );
  both.forEach((inspector, i) => (inspector.timeline.parting = first?.events[i] || null));
  const axes = both.map((inspector, i) => element("div.axis", element("h3", names[i].textContent), inspector.time));
  const table = element("table.differences", element("caption", "Difference at the end"), element("thead", element("tr", element("td"), names)), element("tbody", rows));
  return element(
    "section.comparison",
    { "aria-label": "Comparison" },
    element("div.bar", part, moveTogether(a, b)),
    element("div.axes", axes),
    rows.length ? element("div.difference-box", table) : null,
  );
}

// When the reader moves one playhead, the other goes to the same time; without times, to the same event.
function moveTogether(a, b) {
  const together = element("input", { type: "checkbox", checked: true });
  const haveTimes = [a, b].every(({ stream }) => stream.about.duration > 0);
  const follow = (other) => (n, time) => {
    if (!together.checked) return;
    const target = haveTimes ? other.stream.countAt(time) : Math.min(n, other.stream.last);
    if (target !== other.n) other.goTo(target);
  };
  a.moved = follow(b);
  b.moved = follow(a);
  return element("label.check", together, " Move both");
}
