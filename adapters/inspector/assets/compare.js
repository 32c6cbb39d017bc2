// Where two recordings part, and how their messages differ at the end.

function comparisonOf({ differences, same, first }, [a, b]) {
  const names = [a, b].map((inspector) => element("th", { scope: "col" }, visible(inspector.stream.about.name)));
  const jump = (inspector, event) => (event ? button(`event ${number(event)}`, () => inspector.goTo(event), { class: "link" }) : "–");
  const part = first
    ? element(
        "p.parting",
        "They part at ",
        element("code", visible(pathText(first.path))),
        first.offset === null ? "" : `, character ${number(first.offset)}`,
        ": ",
        jump(a, first.events[0]),
        " of the first, ",
        jump(b, first.events[1]),
        " of the second. ",
        button("Go there in both", () => {
          [a, b].forEach((inspector, i) => first.events[i] && inspector.goTo(first.events[i]));
        }),
      )
    : element("p.parting", same ? "Both lead to the same message." : "Their contents are the same.");
  const rows = differences.map(({ path, values, events }) =>
    element(
      "tr",
      element("th", { scope: "row" }, element("code", visible(pathText(path)))),
      values.map((value, i) =>
        element("td", value === null ? element("span.more", "absent") : element(i ? "ins" : "del", visible(value)), " ", jump(i ? b : a, events[i])),
      ),
    ),
  );
  const table = element("table.differences", element("caption", "Difference at the end"), element("thead", element("tr", element("td"), names)), element("tbody", rows));
  return element("section.comparison", { "aria-label": "Comparison" }, part, rows.length ? table : null);
}
